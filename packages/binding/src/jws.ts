import {
  derFromRaw,
  fromBase64url,
  isJsonObject,
  parseStrict,
  utf8,
  type JsonObject,
  type SignatureCheck,
  type VerifySignature,
} from '@countersign/canonical';
import { id } from './field-shape.ts';
import type { IssuerKey, IssuerMember } from './issuer-member.ts';
import { integer, invalid, object, oneOf, optional, text, type Shape } from './shape.ts';

/** A JWS in compact form, read and not checked: schemas/formats/delegation.md §2. */
export interface Jws {
  readonly alg: IssuerKey['alg'];
  readonly kid: string;
  readonly claims: JsonObject;
  readonly signed: string;
  readonly signature: Uint8Array;
}

/** RFC 7519 §2, up to the year 9999. */
export const numericDate: Shape<number> = integer(0, 253_402_300_799);

const TOKEN = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;
const TOKEN_LIMITS = { maxBytes: 8_192, maxDepth: 8, maxMembers: 400 };
const ALGORITHMS: Readonly<Record<IssuerKey['alg'], SignatureCheck['algorithm']>> = {
  ES256: 'ecdsa-p256-sha256',
  EdDSA: 'ed25519',
  RS256: 'rsa-pkcs1-sha256',
};

interface Header {
  readonly alg: IssuerKey['alg'];
  readonly kid: string;
  readonly typ?: string;
}

/** Closed: `crit`, `jku`, `jwk` and the like would tell a verifier to trust what nobody has pinned. */
const headerShape = object<Header>({
  alg: oneOf('ES256', 'EdDSA', 'RS256'),
  kid: id,
  typ: optional(text(40)),
});

function jsonIn(part: string): JsonObject {
  const json = parseStrict(fromBase64url(part), TOKEN_LIMITS);
  if (!isJsonObject(json)) throw invalid('token', 'an object');
  return json;
}

/** @throws BindingError SCHEMA_INVALID, UNKNOWN_MEMBER; CanonicalError */
export function parseJws(token: string): Jws {
  const [, head = '', body = '', tail = ''] = TOKEN.exec(token) ?? [];
  const { alg, kid } = headerShape(jsonIn(head), 'header');
  const signature = fromBase64url(tail);
  if (alg === 'ES256' && signature.length !== 64) throw invalid('signature', '64 bytes');
  return { alg, kid, claims: jsonIn(body), signed: `${head}.${body}`, signature };
}

/** The key of this issuer that the token names. */
export function keyOfJws(
  issuer: Pick<IssuerMember, 'keys'> | undefined,
  { kid, alg }: Pick<Jws, 'kid' | 'alg'>,
): IssuerKey | undefined {
  return issuer?.keys.find((each) => each.kid === kid && each.alg === alg);
}

/** @throws what `verifySignature` throws when it cannot check */
export async function isSignedBy(
  { alg, signed, signature }: Jws,
  key: IssuerKey,
  verifySignature: VerifySignature,
): Promise<boolean> {
  return verifySignature({
    algorithm: ALGORITHMS[alg],
    publicKey: fromBase64url(key.public_key),
    message: utf8(signed),
    signature: alg === 'ES256' ? derFromRaw(signature) : signature,
  });
}
