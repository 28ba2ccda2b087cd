export { useLatin1Reader } from './latin1.ts';
export { fromBase64, fromBase64url, toBase64, toBase64url } from './base64.ts';
export { concatBytes, equalBytes } from './byte-array.ts';
export { CanonicalError, type CanonicalErrorCode } from './canonical-error.ts';
export { canonicalBytes, canonicalText } from './canonical-json.ts';
export {
  DIGEST_TAGS,
  digestBytes,
  digestOf,
  isDigest,
  parseDigest,
  saltedDigest,
  type Digest,
  type DigestTag,
} from './digest.ts';
export { derFromRaw, rawFromDer } from './der-signature.ts';
export { fromHex, toHex } from './hex.ts';
export { pointerTo, valueAt } from './json-pointer.ts';
export { isJsonArray, isJsonObject, jsonKind, type Json, type JsonObject } from './json-value.ts';
export { RepeatedValues } from './repeated-values.ts';
export { sha256, useSha256 } from './sha256.ts';
export {
  ed25519Raw,
  ed25519Spki,
  type SignatureCheck,
  type VerifySignature,
} from './signature-check.ts';
export type { JsonLimits } from './json-gate.ts';
export { ACTION_LIMITS, parseCanonical, parseStrict } from './strict-json.ts';
export { formatTimestamp, isTimestamp, timestampMs } from './timestamp.ts';
export { isUlid, makeUlid, ulidTimeMs } from './ulid.ts';
export { fromUtf8, utf8 } from './utf8.ts';
