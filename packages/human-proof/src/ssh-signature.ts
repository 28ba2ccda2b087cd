import { concatBytes, sha256, utf8, type SignatureCheck } from '@countersign/canonical';
import { derOfIntegers } from './ecdsa-signature.ts';
import { HumanProofError } from './human-proof-error.ts';
import type { ProofFacts } from './proof-facts.ts';
import type { ParsedSshKey, SshKeyType } from './ssh-key.ts';
import { SshReader } from './ssh-reader.ts';

const ED25519_SIGNATURE_BYTES = 64;
const INTEGER_BYTES_MAX = 33;

const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;

/** By the name that stands in a signature: which keys may have made it, and how it is checked. */
const ALGORITHMS: ReadonlyMap<
  string,
  { readonly of: SshKeyType; readonly check: SignatureCheck['algorithm'] }
> = new Map([
  ['ssh-ed25519', { of: 'ssh-ed25519', check: 'ed25519' }],
  ['ecdsa-sha2-nistp256', { of: 'ecdsa-sha2-nistp256', check: 'ecdsa-p256-sha256' }],
  // Never `ssh-rsa`, which is RSA with SHA-1.
  ['rsa-sha2-256', { of: 'ssh-rsa', check: 'rsa-pkcs1-sha256' }],
  ['rsa-sha2-512', { of: 'ssh-rsa', check: 'rsa-pkcs1-sha512' }],
  ['sk-ssh-ed25519@openssh.com', { of: 'sk-ssh-ed25519@openssh.com', check: 'ed25519' }],
  [
    'sk-ecdsa-sha2-nistp256@openssh.com',
    { of: 'sk-ecdsa-sha2-nistp256@openssh.com', check: 'ecdsa-p256-sha256' },
  ],
] as const);

/**
 * Reads the signature inside an SSHSIG: schemas/formats/sshsig-proof.md §5.
 *
 * @throws HumanProofError
 */
export function sshSignature(
  blob: Uint8Array,
  key: ParsedSshKey,
  signed: Uint8Array,
): { check: SignatureCheck; facts: ProofFacts } {
  const reader = new SshReader(blob, 'signature');
  const algorithm = ALGORITHMS.get(reader.text());
  if (algorithm?.of !== key.type) {
    throw new HumanProofError('algorithm', `expected a signature algorithm of ${key.type}`);
  }
  const signature = bareSignature(reader.string(), algorithm.check, key);
  const byHardware = key.application === undefined ? undefined : hardware(reader, key.application);
  reader.end();
  return {
    check: {
      algorithm: algorithm.check,
      publicKey: key.spki,
      message: byHardware === undefined ? signed : byHardware.wrapping(signed),
      signature,
    },
    facts: byHardware?.facts ?? { proofClass: 'possession', counter: 0 },
  };
}

interface HardwarePart {
  readonly facts: ProofFacts;
  readonly wrapping: (signed: Uint8Array) => Uint8Array;
}

/** PROTOCOL.u2f of OpenSSH: a security key signs what it was told, and adds what it saw. */
function hardware(reader: SshReader, application: string): HardwarePart {
  const flagsAndCounter = reader.bytes(5);
  const [flags = 0] = flagsAndCounter;
  if ((flags & USER_PRESENT) === 0) {
    throw new HumanProofError('user-present', 'expected flag UP');
  }
  const counter = new SshReader(flagsAndCounter.subarray(1), 'signature').uint32();
  return {
    facts: { proofClass: (flags & USER_VERIFIED) === 0 ? 'up' : 'uv', counter },
    wrapping: (signed) => concatBytes(sha256(utf8(application)), flagsAndCounter, sha256(signed)),
  };
}

function bareSignature(
  bytes: Uint8Array,
  algorithm: SignatureCheck['algorithm'],
  { modulusBytes }: ParsedSshKey,
): Uint8Array {
  if (algorithm === 'ecdsa-p256-sha256') return ecdsaSignature(bytes);
  const expected = modulusBytes ?? ED25519_SIGNATURE_BYTES;
  if (bytes.length === expected) return bytes;
  throw new HumanProofError('signature', `expected ${expected} bytes of ${algorithm}`);
}

/** RFC 5656 §3.1.2: two mpints, which are written as in DER. */
function ecdsaSignature(bytes: Uint8Array): Uint8Array {
  const reader = new SshReader(bytes, 'signature');
  const [r, s] = [reader.positiveInteger(), reader.positiveInteger()];
  reader.end();
  if (r.length > INTEGER_BYTES_MAX || s.length > INTEGER_BYTES_MAX) {
    throw new HumanProofError('signature', 'expected numbers of at most 256 bits');
  }
  return derOfIntegers(r, s);
}
