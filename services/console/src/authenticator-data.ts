import { ConsoleError } from './console-error.ts';

/** What a new passkey says of itself: WebAuthn §6.5.1. The server checks all of it again. */
export interface NewCredential {
  readonly credentialId: Uint8Array;
  /** COSE key, exactly as the authenticator wrote it. */
  readonly publicKey: Uint8Array;
  readonly isBackupEligible: boolean;
}

const FLAGS_AT = 32;
const ID_LENGTH_AT = 53;
const ID_AT = 55;
const BACKUP_ELIGIBLE = 0x08;
const ATTESTED_CREDENTIAL = 0x40;
const DEPTH_MAX = 4;

/** @throws ConsoleError PASSKEY_FORMAT */
export function newCredential(data: Uint8Array): NewCredential {
  const flags = byteAt(data, FLAGS_AT);
  if ((flags & ATTESTED_CREDENTIAL) === 0) throw malformed();
  const keyAt = ID_AT + byteAt(data, ID_LENGTH_AT) * 256 + byteAt(data, ID_LENGTH_AT + 1);
  // Outputs of extensions may follow the key, and are not part of it.
  const keyEnd = itemEnd(data, keyAt, 0);
  if (keyEnd > data.length) throw malformed();
  return {
    credentialId: data.slice(ID_AT, keyAt),
    publicKey: data.slice(keyAt, keyEnd),
    isBackupEligible: (flags & BACKUP_ELIGIBLE) !== 0,
  };
}

/** Where one CBOR item ends, of the kinds that a COSE key is made of: RFC 8949 §3. */
function itemEnd(data: Uint8Array, at: number, depth: number): number {
  if (depth > DEPTH_MAX) throw malformed();
  const head = byteAt(data, at);
  const major = head >> 5;
  const { argument, next } = argumentAt(data, at, head & 0x1f);
  if (major <= 1) return next;
  if (major === 2 || major === 3) return next + argument;
  if (major !== 4 && major !== 5) throw malformed();
  let end = next;
  const items = major === 5 ? argument * 2 : argument;
  for (let i = 0; i < items; i += 1) end = itemEnd(data, end, depth + 1);
  return end;
}

function argumentAt(
  data: Uint8Array,
  at: number,
  short: number,
): { argument: number; next: number } {
  if (short < 24) return { argument: short, next: at + 1 };
  if (short === 24) return { argument: byteAt(data, at + 1), next: at + 2 };
  if (short !== 25) throw malformed();
  return { argument: byteAt(data, at + 1) * 256 + byteAt(data, at + 2), next: at + 3 };
}

function byteAt(data: Uint8Array, at: number): number {
  const byte = data[at];
  if (byte === undefined) throw malformed();
  return byte;
}

function malformed(): ConsoleError {
  return new ConsoleError('PASSKEY_FORMAT', 'expected a new passkey with its public key');
}
