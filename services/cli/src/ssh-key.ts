import { resolve } from 'node:path';
import { fromUtf8 } from '@countersign/canonical';
import {
  HumanProofError,
  parseSshKey,
  sshCredentialId,
  type ParsedSshKey,
} from '@countersign/human-proof';
import { readBounded } from './bounded-file.ts';
import { cliError, isSystemError } from './cli-error.ts';
import type { CliContext } from './context.ts';

/** A key that ssh-keygen signs with: its public half is read here, its private half never is. */
export interface SshKey {
  /** What `ssh-keygen -f` gets: the private file, or the public one of a key that an agent holds. */
  readonly file: string;
  /** The bytes of the `.pub` file, and the same in base64url. */
  readonly blob: Uint8Array;
  readonly publicKey: string;
  readonly credentialId: string;
  readonly parsed: ParsedSshKey;
}

const PUBLIC_FILE_BYTES_MAX = 16_384;
const ENV_KEY = 'COUNTERSIGN_SSH_KEY';

/** @throws CliError USAGE without a file, SSH_KEY_UNREADABLE for one that holds no key of an allowed kind */
export async function readSshKey(
  given: string | undefined,
  { env, cwd }: Pick<CliContext, 'env' | 'cwd'>,
): Promise<SshKey> {
  const name = given ?? env[ENV_KEY];
  if (name === undefined) {
    throw cliError('USAGE', `expected --ssh-key, or ${ENV_KEY}, with the file of your SSH key`);
  }
  const file = resolve(cwd, name);
  const publicFile = file.endsWith('.pub') ? file : `${file}.pub`;
  const [, base64 = ''] = (await textOf(publicFile)).trim().split(/\s+/);
  const blob = new Uint8Array(Buffer.from(base64, 'base64'));
  return {
    file,
    blob,
    publicKey: Buffer.from(blob).toString('base64url'),
    credentialId: sshCredentialId(blob),
    parsed: parsedKey(blob, publicFile),
  };
}

async function textOf(path: string): Promise<string> {
  try {
    const bytes = await readBounded(path, PUBLIC_FILE_BYTES_MAX);
    if (bytes !== undefined) return fromUtf8(bytes);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR')) throw error;
    throw cliError('SSH_KEY_UNREADABLE', `expected a public key at ${path}`, { cause: error });
  }
  throw cliError('SSH_KEY_UNREADABLE', `${path}: expected one public key`);
}

function parsedKey(blob: Uint8Array, path: string): ParsedSshKey {
  try {
    return parseSshKey(blob);
  } catch (error) {
    if (!(error instanceof HumanProofError)) throw error;
    throw cliError('SSH_KEY_UNREADABLE', `${path}: ${error.message}`, { cause: error });
  }
}

/** What a person calls it. */
export function sshKeyWords({ parsed, credentialId }: SshKey): string {
  const digest = Buffer.from(credentialId, 'base64url').toString('base64').replace('=', '');
  return `${parsed.type} SHA256:${digest}`;
}
