import { equalBytes, sha256, utf8 } from '@countersign/canonical';
import { readCbor } from '@countersign/cbor';
import { HumanProofError, refusing } from './human-proof-error.ts';

export interface AuthenticatorData {
  rpIdHash: Uint8Array;
  userPresent: boolean;
  userVerified: boolean;
  backupEligible: boolean;
  backedUp: boolean;
  counter: number;
  /** Of a registration, and of an assertion that repeats it. */
  attested?: AttestedCredential;
}

export interface AttestedCredential {
  /** The model of the authenticator (AAGUID), 16 bytes. */
  model: Uint8Array;
  credentialId: Uint8Array;
  /** COSE. */
  publicKey: Uint8Array;
}

const RP_ID_HASH_BYTES = 32;
const FIXED_BYTES = 37;
const AAGUID_BYTES = 16;

// WebAuthn §6.1. Bits 1 and 5 are reserved and ignored.
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const BACKUP_ELIGIBLE = 0x08;
const BACKED_UP = 0x10;
const ATTESTED_CREDENTIAL = 0x40;
const EXTENSIONS = 0x80;

/**
 * Reads authenticator data, schemas/formats/human-proof.md §4, and accounts for its every byte.
 *
 * @throws HumanProofError with why `authenticator-data` or `backup-state`
 */
export function parseAuthenticatorData(bytes: Uint8Array): AuthenticatorData {
  if (bytes.length < FIXED_BYTES) {
    throw malformed(`at least ${FIXED_BYTES} bytes`, `${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint8(RP_ID_HASH_BYTES);
  const attested = flags & ATTESTED_CREDENTIAL ? attestedAt(bytes, FIXED_BYTES) : undefined;
  let end = attested?.next ?? FIXED_BYTES;
  if (flags & EXTENSIONS) end = afterMap(bytes, end);
  if (end !== bytes.length) throw malformed(`${end} bytes for its flags`, `${bytes.length}`);
  const backupEligible = (flags & BACKUP_ELIGIBLE) !== 0;
  const backedUp = (flags & BACKED_UP) !== 0;
  if (backedUp && !backupEligible) {
    throw new HumanProofError('backup-state', 'expected BS only together with BE');
  }
  return {
    rpIdHash: bytes.slice(0, RP_ID_HASH_BYTES),
    userPresent: (flags & USER_PRESENT) !== 0,
    userVerified: (flags & USER_VERIFIED) !== 0,
    backupEligible,
    backedUp,
    counter: view.getUint32(RP_ID_HASH_BYTES + 1),
    ...(attested !== undefined && { attested: attested.credential }),
  };
}

/** Which of the authority's rpIds this is for. @throws HumanProofError with why `rp-id` */
export function matchRpId(data: AuthenticatorData, rpIds: readonly string[]): string {
  const rpId = rpIds.find((candidate) => equalBytes(sha256(utf8(candidate)), data.rpIdHash));
  if (rpId === undefined) {
    throw new HumanProofError('rp-id', `expected one of the rpIds ${rpIds.join(', ')}`);
  }
  return rpId;
}

/** Some authenticators repeat the credential in an assertion. It proves nothing there: the registered key alone counts. */
function attestedAt(
  bytes: Uint8Array,
  offset: number,
): { credential: AttestedCredential; next: number } {
  const lengthAt = offset + AAGUID_BYTES;
  const high = bytes[lengthAt];
  const low = bytes[lengthAt + 1];
  if (high === undefined || low === undefined) throw malformed('attested credential data', 'less');
  const keyAt = lengthAt + 2 + high * 256 + low;
  const next = afterMap(bytes, keyAt);
  return {
    credential: {
      model: bytes.slice(offset, lengthAt),
      credentialId: bytes.slice(lengthAt + 2, keyAt),
      publicKey: bytes.slice(keyAt, next),
    },
    next,
  };
}

function afterMap(bytes: Uint8Array, offset: number): number {
  const { value, next } = refusing('authenticator-data', () => readCbor(bytes, offset));
  if (!(value instanceof Map)) throw malformed('a CBOR map', 'another kind of item');
  return next;
}

function malformed(expected: string, got: string): HumanProofError {
  return new HumanProofError(
    'authenticator-data',
    `expected authenticator data with ${expected}, got ${got}`,
  );
}
