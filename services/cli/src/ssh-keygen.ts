import { spawn } from 'node:child_process';
import { parseSshsigProof, type SshsigProof } from '@countersign/human-proof';
import { CliError, cliError, isSystemError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import type { SshKey } from './ssh-key.ts';

export interface ToSign {
  readonly namespace: string;
  readonly message: Uint8Array;
}

/** Somebody looks for the token, types its PIN and touches it. */
const SIGN_WITHIN_MS = 120_000;
const OUTPUT_BYTES_MAX = 16_384;
const ARMOUR =
  /^-----BEGIN SSH SIGNATURE-----\s+([A-Za-z0-9+/=\s]+)-----END SSH SIGNATURE-----\s*$/;

/**
 * Has `ssh-keygen -Y sign` sign, which asks for a passphrase, a PIN or a touch itself, on the terminal. Our own memory
 * never holds a private key.
 *
 * @throws CliError SSH_KEYGEN_MISSING, SSH_KEY_REFUSED, SSH_KEY_TIMEOUT, INTERRUPTED
 */
export async function signWithSshKeygen(
  key: SshKey,
  { namespace, message }: ToSign,
  context: Pick<CliContext, 'env' | 'interrupted'>,
): Promise<SshsigProof> {
  const args = ['-Y', 'sign', '-q', '-n', namespace, '-f', key.file];
  const { status, stdout, stderr } = await run(args, message, context);
  const armour = ARMOUR.exec(stdout)?.[1];
  if (status !== 0 || armour === undefined) throw refused(stderr, key);
  return parseSshsigProof({
    kind: 'sshsig',
    credential_id: key.credentialId,
    signature: Buffer.from(armour, 'base64').toString('base64url'),
  });
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(
  args: readonly string[],
  input: Uint8Array,
  { env, interrupted }: Pick<CliContext, 'env' | 'interrupted'>,
): Promise<Ended> {
  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(SIGN_WITHIN_MS)]);
  return new Promise((resolve, reject) => {
    const child = spawn('ssh-keygen', args, { env: { ...env }, stdio: 'pipe', signal });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] = `${output[name]}${text}`.slice(0, OUTPUT_BYTES_MAX);
      });
    }
    child.on('error', (error) => {
      reject(failure(error, interrupted));
    });
    child.on('close', (status) => {
      resolve({ status, ...output });
    });
    // A program that ends without reading is told by its status.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

function failure(error: Error, interrupted: AbortSignal): Error {
  if (isSystemError(error, 'ENOENT', 'EACCES')) {
    return cliError('SSH_KEYGEN_MISSING', 'expected ssh-keygen of OpenSSH 8.2 or later in PATH', {
      cause: error,
    });
  }
  if (error.name !== 'AbortError') return error;
  return interrupted.aborted
    ? cliError('INTERRUPTED', 'nothing was signed', { cause: error })
    : cliError('SSH_KEY_TIMEOUT', 'the key signed nothing within two minutes', { cause: error });
}

/** What ssh-keygen said last is the reason, in its words. */
function refused(stderr: string, { file, parsed }: SshKey): CliError {
  const said = stderr.trim().split('\n').at(-1) ?? '';
  const hint =
    parsed.application === undefined
      ? 'is the private key there, or in the agent that SSH_AUTH_SOCK names?'
      : 'is the security key plugged in, and was it touched while it blinked?';
  return cliError('SSH_KEY_REFUSED', `${file}: ${said === '' ? 'not signed' : said}`, { hint });
}
