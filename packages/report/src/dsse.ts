import {
  canonicalBytes,
  CanonicalError,
  concatBytes,
  fromBase64,
  isJsonObject,
  parseStrict,
  toBase64,
  utf8,
  type Json,
  type JsonObject,
  type SignatureCheck,
  type VerifySignature,
} from '@countersign/canonical';
import { ReportError } from './report-error.ts';

/** Of an in-toto Statement. */
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const LIMITS = { maxBytes: 262_144, maxDepth: 8, maxMembers: 1_000 };
const SIGNATURES_MAX = 16;

export interface EnvelopeSignature {
  /** SHA-256 of the public key as SubjectPublicKeyInfo, hex. */
  readonly keyId: string;
  readonly signature: Uint8Array;
}

export type EnvelopeKey = Pick<SignatureCheck, 'algorithm' | 'publicKey'>;

/** What is signed: DSSE's PAE of the payload. schemas/formats/statement.md §3. */
export function signedBytes(payload: Uint8Array): Uint8Array {
  return paeOf(PAYLOAD_TYPE, payload);
}

function paeOf(type: string, payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${utf8(type).length} ${type} ${payload.length} `;
  return concatBytes(utf8(head), payload);
}

export function formatEnvelope(payload: Uint8Array, signature: EnvelopeSignature): Uint8Array {
  return canonicalBytes({
    payload: toBase64(payload),
    payloadType: PAYLOAD_TYPE,
    signatures: [{ keyid: signature.keyId, sig: toBase64(signature.signature) }],
  });
}

/**
 * The payload of an envelope that this key has signed. `keyid` is a hint of whoever wrote it, and is not looked at.
 *
 * @throws ReportError ENVELOPE_FORMAT, PAYLOAD_TYPE, SIGNATURE_INVALID
 */
export async function openEnvelope(
  file: Uint8Array,
  key: EnvelopeKey,
  verifySignature: VerifySignature,
): Promise<Uint8Array> {
  const { payload, payloadType, signatures } = membersOf(file);
  if (payloadType !== PAYLOAD_TYPE) {
    throw new ReportError('PAYLOAD_TYPE', `expected ${PAYLOAD_TYPE}`);
  }
  const message = paeOf(payloadType, payload);
  for (const signature of signatures) {
    if (await verifySignature({ ...key, message, signature })) return payload;
  }
  throw new ReportError('SIGNATURE_INVALID', 'expected a signature by this key');
}

interface Envelope {
  readonly payload: Uint8Array;
  readonly payloadType: string;
  readonly signatures: readonly Uint8Array[];
}

/** Other members are passed over, as DSSE asks for. */
function membersOf(file: Uint8Array): Envelope {
  try {
    const { payload, payloadType, signatures } = objectOf(parseStrict(file, LIMITS));
    if (typeof payloadType !== 'string' || !Array.isArray(signatures)) throw malformed();
    const all = signatures as readonly Json[];
    if (all.length === 0 || all.length > SIGNATURES_MAX) throw malformed();
    return {
      payload: bytesIn(payload),
      payloadType,
      signatures: all.map((each) => bytesIn(objectOf(each)['sig'])),
    };
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
    throw malformed(error);
  }
}

function objectOf(json: Json): JsonObject {
  if (!isJsonObject(json)) throw malformed();
  return json;
}

function bytesIn(json: Json | undefined): Uint8Array {
  if (typeof json !== 'string') throw malformed();
  return fromBase64(json);
}

function malformed(cause?: unknown): ReportError {
  return new ReportError('ENVELOPE_FORMAT', 'expected a DSSE envelope', { cause });
}
