import {
  concatBytes,
  equalBytes,
  fromBase64url,
  sha256,
  toBase64url,
  utf8,
  type SignatureCheck,
  type VerifySignature,
} from '@countersign/canonical';
import { sha512 } from '@noble/hashes/sha2.js';
import type { CredentialKey } from './assertion.ts';
import { HumanProofError, refusing } from './human-proof-error.ts';
import type { ProofFacts } from './proof-facts.ts';
import { parseSshKey, type ParsedSshKey } from './ssh-key.ts';
import { SshReader, sshString } from './ssh-reader.ts';
import { sshSignature } from './ssh-signature.ts';
import { decodeSshsigProof, type SshsigProof } from './sshsig-proof.ts';

export interface ExpectedSshsig {
  /** What a signature is for: one of another namespace is of something else. */
  readonly namespace: string;
  /** What was signed, whole. */
  readonly message: Uint8Array;
  /** The credential that the decision names, with the bytes of its `.pub` file as the key. */
  readonly credential: CredentialKey;
}

const MAGIC = utf8('SSHSIG');
const VERSION = 1;

const HASHES: ReadonlyMap<string, (bytes: Uint8Array) => Uint8Array> = new Map([
  ['sha256', (bytes: Uint8Array) => sha256(bytes)],
  ['sha512', (bytes: Uint8Array) => sha512(bytes)],
]);

/** The id of a key as a credential: the bytes that `ssh-keygen -l` shows. */
export function sshCredentialId(key: Uint8Array): string {
  return toBase64url(sha256(key));
}

/**
 * Checks everything about a signature of `ssh-keygen -Y sign` but the signature itself, in the order of
 * schemas/formats/sshsig-proof.md, and answers the one check that is left.
 *
 * @throws HumanProofError `ASSERTION_INVALID`
 */
export function prepareSshsig(
  proof: SshsigProof,
  expected: ExpectedSshsig,
): { check: SignatureCheck; facts: ProofFacts } {
  const blob = decodeSshsigProof(proof);
  if (proof.credential_id !== expected.credential.credential_id) {
    throw new HumanProofError('credential', 'expected the credential that the decision names');
  }
  const { publicKey, namespace, hashName, signature } = parseEnvelope(blob);
  if (!equalBytes(namespace, utf8(expected.namespace))) {
    throw new HumanProofError('namespace', `expected a signature for ${expected.namespace}`);
  }
  const hash = HASHES.get(hashName);
  if (hash === undefined) throw new HumanProofError('hash-algorithm', 'expected sha256 or sha512');
  const key = registeredKey(publicKey, expected.credential);
  const signed = concatBytes(
    MAGIC,
    ...[namespace, new Uint8Array(), utf8(hashName), hash(expected.message)].map(sshString),
  );
  return sshSignature(signature, key, signed);
}

/**
 * Checks a signature of `ssh-keygen -Y sign`.
 *
 * @example
 * const facts = await verifySshsig(proof, { namespace, message, credential }, verifySignature);
 *
 * @throws HumanProofError `ASSERTION_INVALID`
 */
export async function verifySshsig(
  proof: SshsigProof,
  expected: ExpectedSshsig,
  verifySignature: VerifySignature,
): Promise<ProofFacts> {
  const { check, facts } = prepareSshsig(proof, expected);
  if (!(await verifySignature(check))) {
    throw new HumanProofError('signature', 'expected a signature of the registered key');
  }
  return facts;
}

/** The counter of a proof that was accepted: it stands at the end of what a security key signs. */
export function sshsigCounter(proof: SshsigProof): number {
  const { signature } = parseEnvelope(decodeSshsigProof(proof));
  if (!new SshReader(signature, 'signature').text().startsWith('sk-')) return 0;
  return new SshReader(signature.subarray(-4), 'signature').uint32();
}

interface Envelope {
  readonly publicKey: Uint8Array;
  readonly namespace: Uint8Array;
  readonly hashName: string;
  readonly signature: Uint8Array;
}

/** PROTOCOL.sshsig of OpenSSH: what stands in the armour. */
function parseEnvelope(blob: Uint8Array): Envelope {
  const reader = new SshReader(blob, 'sshsig');
  const isSshsig = equalBytes(reader.bytes(MAGIC.length), MAGIC) && reader.uint32() === VERSION;
  if (!isSshsig) throw new HumanProofError('sshsig', 'expected SSHSIG of version 1');
  const publicKey = reader.string();
  const namespace = reader.string();
  // OpenSSH passes over what stands here, and so one signature would have many spellings.
  if (reader.string().length !== 0) {
    throw new HumanProofError('sshsig', 'expected nothing in the reserved field');
  }
  const hashName = reader.text();
  const signature = reader.string();
  reader.end();
  return { publicKey, namespace, hashName, signature };
}

/** The key that signed is told in the signature, and believed from nobody: it is the one of the authority or none. */
function registeredKey(publicKey: Uint8Array, credential: CredentialKey): ParsedSshKey {
  const registered = refusing('key', () => fromBase64url(credential.public_key));
  if (!equalBytes(publicKey, registered)) {
    throw new HumanProofError('key', 'expected the key of the credential');
  }
  return parseSshKey(registered);
}
