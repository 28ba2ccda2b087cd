import { toBase64url } from './base64.ts';
import { concatBytes } from './byte-array.ts';
import { CanonicalError } from './canonical-error.ts';
import { prefixedBytes } from './canonical-json.ts';
import { toHex } from './hex.ts';
import type { Json } from './json-value.ts';
import { sha256 } from './sha256.ts';
import { utf8 } from './utf8.ts';

export type Digest = `sha256:${string}`;

/** One tag a kind, so that the bytes of one kind are never taken for another. schemas/formats/canonical-json.md §5. */
export const DIGEST_TAGS = [
  'countersign/action/v1',
  'countersign/display/v1',
  'countersign/decision/v1',
  'countersign/rationale/v1',
  'countersign/confirmation/v1',
  'countersign/context/v1',
  'countersign/policy/v1',
  'countersign/descriptor/v1',
  'countersign/executor/v1',
  'countersign/authority-member/v1',
  'countersign/state/v1',
  'countersign/action-state/v1',
  'countersign/credential/v1',
  'countersign/trust/v1',
  'countersign/genesis/v1',
  'countersign/value/v1',
  'countersign/secret-env/v1',
  'countersign/request/v1',
  'countersign/use/v1',
  'countersign/report/v1',
  'countersign/finding/v1',
  'countersign/revocation/v1',
  'countersign/output/v1',
  'countersign/stdin/v1',
  'countersign/file/v1',
  'countersign/precondition/v1',
  'countersign/admin/v1',
  'countersign/erasure/v1',
  'countersign/session/v1',
  'countersign/enrolment/v1',
  'countersign/sign-in/v1',
  'countersign/subject/v1',
  'countersign/input/v1',
  'countersign/idempotency/v1',
  'countersign/mcp-tool/v1',
  'countersign/mcp-launch/v1',
  'countersign/grant/v1',
  'countersign/batch-item/v1',
] as const;

export type DigestTag = (typeof DIGEST_TAGS)[number];

const MIN_SALT_BYTES = 16;

const DIGEST = /^sha256:[0-9a-f]{64}$/;

const PREFIXES: ReadonlyMap<string, Uint8Array> = new Map(
  DIGEST_TAGS.map((tag) => [tag, utf8(`${tag}\n`)]),
);

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** @throws {CanonicalError} DIGEST_FORMAT */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) {
    throw new CanonicalError('DIGEST_FORMAT', 'expected "sha256:" and 64 lower-case hex digits');
  }
  return text;
}

/**
 * The digest of bytes that are not JSON: a file, an output.
 * @throws {CanonicalError} DIGEST_FORMAT for a tag outside the list
 */
export function digestBytes(tag: DigestTag, bytes: Uint8Array): Digest {
  return digestOfTagged(concatBytes(prefixOf(tag), bytes));
}

function prefixOf(tag: DigestTag): Uint8Array {
  const prefix = PREFIXES.get(tag);
  if (prefix === undefined) throw new CanonicalError('DIGEST_FORMAT', 'expected a tag of the list');
  return prefix;
}

function digestOfTagged(bytes: Uint8Array): Digest {
  return `sha256:${toHex(sha256(bytes))}`;
}

/**
 * @throws {CanonicalError} the codes of canonicalText
 * @example digestOf('countersign/value/v1', { amount: '10' })
 */
export function digestOf(tag: DigestTag, value: Json): Digest {
  return digestOfTagged(prefixedBytes(prefixOf(tag), value));
}

/**
 * The digest of something hidden: without the salt nobody can try values until one fits.
 * @throws {CanonicalError} ENCODING_FORMAT for a salt under 16 bytes, and the codes of digestOf
 */
export function saltedDigest(tag: DigestTag, salt: Uint8Array, value: Json): Digest {
  if (salt.length < MIN_SALT_BYTES) {
    throw new CanonicalError(
      'ENCODING_FORMAT',
      `expected a salt of at least ${MIN_SALT_BYTES} bytes, got ${salt.length}`,
    );
  }
  return digestOf(tag, { salt: toBase64url(salt), value });
}
