import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { TlogError } from './error.ts';
import { equalBytes } from './hash.ts';
import { isNoteText } from './note-text.ts';
import { sha256 } from './sha256.ts';

const KEY_ID_SIZE_BYTES = 4;
const ED25519_KEY_SIZE_BYTES = 32;
const P256_SPKI_SIZE_BYTES = 91;
const ED25519_SPKI_PREFIX = hexToBytes('302a300506032b6570032100');
// Up to and with the 0x04 of an uncompressed point.
const P256_SPKI_PREFIX = hexToBytes('3059301306072a8648ce3d020106082a8648ce3d03010703420004');
const SPACE_OR_PLUS = /[\p{White_Space}+]/u;

/** c2sp.org/signed-note signature types: Ed25519, ECDSA P-256, and the Ed25519 witness cosignature. */
export type NoteKeyType = 1 | 2 | 4;

export interface NoteVerifier {
  readonly name: string;
  /** Four bytes. They only tell keys apart: they are no commitment to the key. */
  readonly keyId: Uint8Array;
  readonly keyIdHex: string;
  readonly type: NoteKeyType;
  /** SubjectPublicKeyInfo, DER, whatever form the verifier key has. */
  readonly publicKey: Uint8Array;
  readonly vkey: string;
}

export interface VerifierKeyParts {
  readonly name: string;
  readonly algorithm: 'ed25519' | 'ecdsa-p256';
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
}

/**
 * Reads a verifier key, `NAME+hhhhhhhh+base64(type ‖ key)`.
 *
 * @throws TlogError `VKEY_FORMAT` when malformed, of a type other than 1, 2 and 4, or when the key id
 * does not belong to the key.
 */
export function parseVerifierKey(vkey: string): NoteVerifier {
  const { name, keyIdHex, typed } = splitVerifierKey(vkey);
  const [type, key] = [typed[0], typed.subarray(1)];
  if (type !== 1 && type !== 2 && type !== 4) {
    throw refused(`expected key type 1, 2 or 4, got ${type ?? 'none'}`);
  }
  const publicKey = type === 2 ? checkedP256(key) : spkiFromEd25519(key);
  const keyId = computeKeyId(name, type, key);
  if (bytesToHex(keyId) !== keyIdHex) {
    throw refused(`expected key id ${bytesToHex(keyId)} for this name and key, got another`);
  }
  return { name, keyId, keyIdHex, type, publicKey, vkey };
}

function splitVerifierKey(vkey: string): { name: string; keyIdHex: string; typed: Uint8Array } {
  // Base64 holds plus signs itself, so only the first two separate.
  const nameEnd = vkey.indexOf('+');
  const idEnd = vkey.indexOf('+', nameEnd + 1);
  if (nameEnd < 0 || idEnd < 0) throw refused('expected NAME+KEYID+KEY');
  const name = vkey.slice(0, nameEnd);
  const keyIdHex = vkey.slice(nameEnd + 1, idEnd);
  const typed = decodeBase64(vkey.slice(idEnd + 1));
  assertKeyName(name);
  if (typed === undefined) throw refused('expected a key in base64');
  return { name, keyIdHex, typed };
}

/**
 * Writes the verifier key of a log's public key.
 *
 * @throws TlogError `VKEY_FORMAT` when the name or the key is not one.
 */
export function formatVerifierKey(parts: VerifierKeyParts): string {
  const { name, algorithm, publicKey } = parts;
  assertKeyName(name);
  const type = algorithm === 'ed25519' ? 1 : 2;
  const key = type === 1 ? ed25519FromSpki(publicKey) : checkedP256(publicKey);
  const keyIdHex = bytesToHex(computeKeyId(name, type, key));
  return `${name}+${keyIdHex}+${encodeBase64(concatBytes(Uint8Array.of(type), key))}`;
}

/** c2sp.org/signed-note: not empty, no Unicode space, no plus. */
export function isKeyName(name: string): boolean {
  return name !== '' && !SPACE_OR_PLUS.test(name) && isNoteText(name);
}

function assertKeyName(name: string): void {
  if (!isKeyName(name)) throw refused('expected a name with no space, plus or control character');
}

// The ECDSA id covers the key alone, without name and type: c2sp.org/signed-note keeps what was in use.
function computeKeyId(name: string, type: NoteKeyType, key: Uint8Array): Uint8Array {
  const covered =
    type === 2 ? key : concatBytes(utf8ToBytes(`${name}\n`), Uint8Array.of(type), key);
  return sha256(covered).slice(0, KEY_ID_SIZE_BYTES);
}

function spkiFromEd25519(key: Uint8Array): Uint8Array {
  if (key.length !== ED25519_KEY_SIZE_BYTES) {
    throw refused(`expected an Ed25519 key of 32 bytes, got ${key.length}`);
  }
  return concatBytes(ED25519_SPKI_PREFIX, key);
}

function ed25519FromSpki(spki: Uint8Array): Uint8Array {
  const prefixSize = ED25519_SPKI_PREFIX.length;
  const isEd25519 =
    spki.length === prefixSize + ED25519_KEY_SIZE_BYTES &&
    equalBytes(spki.subarray(0, prefixSize), ED25519_SPKI_PREFIX);
  if (!isEd25519) throw refused('expected an Ed25519 public key as SPKI DER');
  return spki.subarray(prefixSize);
}

function checkedP256(spki: Uint8Array): Uint8Array {
  const isP256 =
    spki.length === P256_SPKI_SIZE_BYTES &&
    equalBytes(spki.subarray(0, P256_SPKI_PREFIX.length), P256_SPKI_PREFIX);
  if (!isP256) throw refused('expected an uncompressed P-256 public key as SPKI DER');
  return spki.slice();
}

function refused(why: string): TlogError {
  return new TlogError('VKEY_FORMAT', `verifier key: ${why}`);
}
