import { concatBytes, ed25519Spki, equalBytes } from '@countersign/canonical';
import { P256_SPKI_PREFIX } from './cose-key.ts';
import { isOnP256, isSafeEd25519Point } from './curve-point.ts';
import { HumanProofError } from './human-proof-error.ts';
import { rsaSpki } from './rsa-spki.ts';
import { SshReader } from './ssh-reader.ts';

/** schemas/formats/sshsig-proof.md §3. */
export const SSH_KEY_TYPES = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ssh-rsa',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
] as const;

export type SshKeyType = (typeof SSH_KEY_TYPES)[number];

export interface ParsedSshKey {
  readonly type: SshKeyType;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** What a security key was told that it signs for; undefined for a key in a file or an agent. */
  readonly application: string | undefined;
  /** How long an RSA signature of it is. */
  readonly modulusBytes: number | undefined;
}

const APPLICATION_MAX = 128;
const P256_POINT_BYTES = 65;
const UNCOMPRESSED = Uint8Array.of(4);

/**
 * Reads a public key as it stands, in base64, in a `.pub` file.
 *
 * @throws HumanProofError with why `algorithm` for a kind that is not allowed, `key` for a bad key of an allowed kind
 */
export function parseSshKey(blob: Uint8Array): ParsedSshKey {
  const reader = new SshReader(blob, 'key');
  const name = reader.text();
  const type = SSH_KEY_TYPES.find((known) => known === name);
  if (type === undefined) {
    throw new HumanProofError('algorithm', `expected one of ${SSH_KEY_TYPES.join(', ')}`);
  }
  const key = keyOf(type, reader);
  reader.end();
  return { type, application: undefined, modulusBytes: undefined, ...key };
}

type KeyParts = Pick<ParsedSshKey, 'spki'> & Partial<ParsedSshKey>;

function keyOf(type: SshKeyType, reader: SshReader): KeyParts {
  switch (type) {
    case 'ssh-ed25519':
      return { spki: ed25519Key(reader) };
    case 'ecdsa-sha2-nistp256':
      return { spki: p256Key(reader) };
    case 'ssh-rsa':
      return rsaKey(reader);
    case 'sk-ssh-ed25519@openssh.com':
      return { spki: ed25519Key(reader), application: application(reader) };
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      return { spki: p256Key(reader), application: application(reader) };
  }
}

function ed25519Key(reader: SshReader): Uint8Array {
  const point = reader.string();
  if (point.length !== 32 || !isSafeEd25519Point(point)) {
    throw badKey('an Ed25519 point of large order');
  }
  return ed25519Spki(point);
}

function p256Key(reader: SshReader): Uint8Array {
  if (reader.text() !== 'nistp256') throw badKey('the curve nistp256');
  const point = reader.string();
  const isUncompressed =
    point.length === P256_POINT_BYTES && equalBytes(point.subarray(0, 1), UNCOMPRESSED);
  const [x, y] = [point.subarray(1, 33), point.subarray(33)];
  if (!isUncompressed || !isOnP256(x, y)) throw badKey('an uncompressed point on P-256');
  return concatBytes(P256_SPKI_PREFIX, x, y);
}

function rsaKey(reader: SshReader): KeyParts {
  const exponent = magnitude(reader.positiveInteger());
  const modulus = magnitude(reader.positiveInteger());
  return { spki: rsaSpki(modulus, exponent), modulusBytes: modulus.length };
}

function magnitude(mpint: Uint8Array): Uint8Array {
  return mpint[0] === 0 ? mpint.subarray(1) : mpint;
}

/** OpenSSH makes no key for another application; so no key for a web page can pass for one of these. */
function application(reader: SshReader): string {
  const text = reader.text();
  if (!text.startsWith('ssh:') || text.length > APPLICATION_MAX) {
    throw badKey(
      `an application that begins with ssh: and has at most ${APPLICATION_MAX} characters`,
    );
  }
  return text;
}

function badKey(expected: string): HumanProofError {
  return new HumanProofError('key', `expected ${expected} in an SSH key`);
}
