import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { Digest, Json, JsonObject } from '@countersign/canonical';
import {
  environmentFacts,
  type EnvironmentFacts,
  type VariableNames,
} from './child-environment.ts';
import { CliError } from './cli-error.ts';
import { inputFact, readCommandInput, type CommandInput } from './command-input.ts';
import { findExecutable, type Executable } from './executable.ts';
import { existingFolder } from './existing-folder.ts';

export interface CommandOrder {
  readonly argv: readonly string[];
  readonly variables: VariableNames;
  readonly stdin: string | undefined;
  readonly cwd: string | undefined;
  readonly timeoutS: number;
  readonly purpose: string | undefined;
  /** Asked for as BREAK-GLASS. */
  readonly emergency?: Emergency;
}

export interface Emergency {
  readonly incident: { readonly system: string; readonly id: string };
  readonly reason: string;
}

export interface CommandPlace {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: Readable;
  readonly randomBytes: (size: number) => Uint8Array;
}

/** Parameters of a command, as this program wrote them. */
export interface CommandParams extends Partial<Emergency> {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly executable: { readonly path: string; readonly digest: Digest };
  readonly interpreter?: { readonly path: string; readonly digest: Digest };
  readonly env: EnvironmentFacts['env'];
  readonly secret_env: EnvironmentFacts['secret_env'];
  readonly stdin: CommandInput['fact'];
  readonly timeout_s: number;
  readonly purpose?: string;
}

/** What is needed to run it and is no part of what is approved. Never a secret's value. */
export interface CommandKeepsakes {
  readonly salts: Readonly<Record<string, string>>;
  /** Where standard input is read again after an interruption: a file, or `-` for whoever types the command. */
  readonly stdin?: string;
}

export interface DescribedCommand {
  readonly params: CommandParams;
  readonly keepsakes: CommandKeepsakes;
  readonly input: Uint8Array;
}

/**
 * Takes down everything about a command that decides what it does.
 *
 * @throws CliError the codes of its parts, and DIRECTORY_NOT_FOUND
 */
export async function describeCommand(
  order: CommandOrder,
  place: CommandPlace,
): Promise<DescribedCommand> {
  const cwd = await existingFolder(resolve(place.cwd, order.cwd ?? '.'), '--cwd');
  const found = await findExecutable(order.argv[0] ?? '', {
    cwd: place.cwd,
    path: place.env['PATH'],
  });
  const environment = environmentFacts(order.variables, place);
  const input = await readCommandInput(order.stdin, place);
  return {
    params: paramsOf(order, { cwd, found, environment, input }),
    keepsakes: {
      salts: environment.salts,
      ...(order.stdin !== undefined && {
        stdin: order.stdin === '-' ? '-' : resolve(place.cwd, order.stdin),
      }),
    },
    input: input.bytes,
  };
}

interface Parts {
  readonly cwd: string;
  readonly found: Executable;
  readonly environment: EnvironmentFacts;
  readonly input: CommandInput;
}

function paramsOf(order: CommandOrder, parts: Parts): CommandParams {
  const { program, interpreter } = parts.found;
  return {
    argv: order.argv,
    cwd: parts.cwd,
    executable: program,
    ...(interpreter !== undefined && {
      interpreter: { path: interpreter.path, digest: interpreter.digest },
    }),
    env: parts.environment.env,
    secret_env: parts.environment.secret_env,
    stdin: parts.input.fact,
    timeout_s: order.timeoutS,
    ...(order.purpose !== undefined && { purpose: order.purpose }),
    ...order.emergency,
  };
}

/** After an interruption: the input again, which must be the one that was approved. */
export async function rereadInput(
  approved: CommandInput['fact'],
  source: string | undefined,
  place: Pick<CommandPlace, 'cwd' | 'stdin'>,
): Promise<Uint8Array> {
  const { bytes } = await readCommandInput(source, place);
  const fact = inputFact(bytes);
  const isSame =
    fact.kind === approved.kind &&
    (fact.kind === 'empty' || (approved.kind === 'digest' && fact.digest === approved.digest));
  if (isSame) return bytes;
  throw new CliError(
    'ACTION_DIGEST_MISMATCH',
    'standard input: expected the bytes that were approved, got others',
  );
}

/** Plain data by construction; an interface alone does not say so to TypeScript. */
export function paramsJson(params: CommandParams): JsonObject {
  return params as unknown as JsonObject;
}

export function paramsFromJson(json: Json): CommandParams {
  return json as unknown as CommandParams;
}
