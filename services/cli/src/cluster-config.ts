import { dirname, resolve } from 'node:path';
import { parseStrict, type Json } from '@countersign/canonical';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { cliError } from './cli-error.ts';
import { faultIn } from './cluster-fault.ts';
import { readGivenFile } from './ledger-access.ts';

export interface Tls {
  /** Of the authority that signed the server's certificate; else the system's own. */
  readonly ca_file?: string;
  /** With its key, where the server asks for a certificate. */
  readonly cert_file?: string;
  readonly key_file?: string;
}

/** Where the parts of a ledger on a cluster are: docs/cluster.md. No secret is in it. */
export interface ClusterConfig {
  readonly v: 'countersign.cluster.v1';
  readonly kafka: {
    readonly brokers: readonly string[];
    readonly prefix?: string;
    readonly tls?: Tls;
    readonly sasl?: {
      readonly mechanism: 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password_file?: string;
    };
  };
  readonly kms: {
    readonly key_id: string;
    /** Further keys that sign the log while they are its keys. */
    readonly more_key_ids?: readonly string[];
    readonly region: string;
    readonly endpoint?: string;
  };
  readonly postgres: {
    readonly url: string;
    readonly password_file?: string;
    readonly schema_prefix?: string;
    readonly tls?: Tls;
    /** Its password may go over a network as it is. */
    readonly allow_plaintext?: true;
  };
}

const closed = { additionalProperties: false } as const;
const Text = Type.String({ minLength: 1, maxLength: 1_000 });

const TlsSchema = Type.Object(
  {
    ca_file: Type.Optional(Text),
    cert_file: Type.Optional(Text),
    key_file: Type.Optional(Text),
  },
  closed,
);

/** docs/cluster.md, "cluster.json". No secret is in it: passwords come from files or from the environment. */
const ClusterSchema = Type.Object(
  {
    v: Type.Literal('countersign.cluster.v1'),
    kafka: Type.Object(
      {
        brokers: Type.Array(
          Type.String({ pattern: '^[^\\s:/]+:\\d{1,5}$|^\\[[0-9a-fA-F:]+\\]:\\d{1,5}$' }),
          {
            minItems: 1,
            maxItems: 100,
          },
        ),
        prefix: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._-]{0,100}$' })),
        tls: Type.Optional(TlsSchema),
        sasl: Type.Optional(
          Type.Object(
            {
              mechanism: Type.Union([Type.Literal('scram-sha-256'), Type.Literal('scram-sha-512')]),
              username: Text,
              password_file: Type.Optional(Text),
            },
            closed,
          ),
        ),
      },
      closed,
    ),
    kms: Type.Object(
      {
        key_id: Text,
        more_key_ids: Type.Optional(Type.Array(Text, { maxItems: 3 })),
        region: Text,
        endpoint: Type.Optional(Type.String({ pattern: '^https?://' })),
      },
      closed,
    ),
    postgres: Type.Object(
      {
        url: Type.String({ pattern: '^postgres(ql)?://' }),
        password_file: Type.Optional(Text),
        schema_prefix: Type.Optional(Type.String({ pattern: '^[a-z_][a-z0-9_]{0,40}$' })),
        tls: Type.Optional(TlsSchema),
        allow_plaintext: Type.Optional(Type.Literal(true)),
      },
      closed,
    ),
  },
  closed,
);

const LIMITS = { maxBytes: 65_536, maxDepth: 8, maxMembers: 200 };

/**
 * Reads where the parts of a cluster are. Paths in it are relative to the folder of the file.
 *
 * @param path for messages, and what paths are relative to
 * @throws CliError CONFIG_INVALID
 */
export function parseClusterConfig(text: string, path: string): ClusterConfig {
  let json: Json;
  try {
    json = parseStrict(Buffer.from(text), LIMITS);
  } catch (error) {
    throw cliError('CONFIG_INVALID', `${path}: expected JSON, got something else`, {
      cause: error,
      hint: 'docs/cluster.md has an example',
    });
  }
  if (Value.Check(ClusterSchema, json)) return withPaths(json, dirname(resolve(path)));
  throw cliError('CONFIG_INVALID', `${path}: ${faultIn(json, Value.Errors(ClusterSchema, json))}`, {
    hint: 'docs/cluster.md says what belongs into it',
  });
}

/** @returns the text of a file that is one, as it is to be kept @throws CliError CONFIG_INVALID, FILE_UNREADABLE */
export async function readClusterFile(path: string): Promise<string> {
  const text = Buffer.from(await readGivenFile(path, 'cluster file')).toString('utf8');
  // With whole paths, since it is kept in another folder.
  return `${JSON.stringify(parseClusterConfig(text, path), null, 2)}\n`;
}

function withPaths(config: ClusterConfig, base: string): ClusterConfig {
  const at = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(base, path);
  const { kafka, postgres } = config;
  return {
    ...config,
    kafka: {
      ...kafka,
      ...(kafka.tls !== undefined && { tls: tlsAt(kafka.tls, at) }),
      ...(kafka.sasl !== undefined && { sasl: withPassword(kafka.sasl, at) }),
    },
    postgres: {
      ...withPassword(postgres, at),
      ...(postgres.tls !== undefined && { tls: tlsAt(postgres.tls, at) }),
    },
  };
}

type PathAt = (path: string | undefined) => string | undefined;

function tlsAt({ ca_file, cert_file, key_file }: Tls, at: PathAt): Tls {
  const [ca, cert, key] = [at(ca_file), at(cert_file), at(key_file)];
  return {
    ...(ca !== undefined && { ca_file: ca }),
    ...(cert !== undefined && { cert_file: cert }),
    ...(key !== undefined && { key_file: key }),
  };
}

function withPassword<T extends { password_file?: string }>(part: T, at: PathAt): T {
  const path = at(part.password_file);
  return path === undefined ? part : { ...part, password_file: path };
}
