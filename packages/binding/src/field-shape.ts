import { fromBase64url, isDigest, isTimestamp, isUlid, type Digest } from '@countersign/canonical';
import { parseHumanProof, type HumanProof } from '@countersign/human-proof';
import { refusing } from './binding-error.ts';
import { isRefusalCode, type RefusalCode } from './refusal-code.ts';
import { integer, invalid, matching, object, text, type Shape } from './shape.ts';

/** The RFC 6962 hash of an entry, written like a digest. */
export type Leaf = Digest;

export const digest: Shape<Digest> = (json, path) => {
  if (typeof json !== 'string' || !isDigest(json)) throw invalid(path, 'a digest');
  return json;
};

export const leaf: Shape<Leaf> = digest;

export const time: Shape<string> = (json, path) => {
  if (typeof json !== 'string' || !isTimestamp(json)) throw invalid(path, 'a time in UTC');
  return json;
};

export const ulid: Shape<string> = (json, path) => {
  if (typeof json !== 'string' || !isUlid(json)) throw invalid(path, 'a ULID');
  return json;
};

/** Base64url without padding, of a bounded number of bytes. */
export function base64url(minBytes: number, maxBytes: number): Shape<string> {
  return (json, path) => {
    const size = typeof json === 'string' ? decodedSize(json) : -1;
    if (typeof json !== 'string' || size < minBytes || size > maxBytes) {
      throw invalid(path, `base64url of ${minBytes} to ${maxBytes} bytes`);
    }
    return json;
  };
}

function decodedSize(encoded: string): number {
  return refusing(() => fromBase64url(encoded)).length;
}

/** Ids of members, executors and agents: visible ASCII, so that two ids never look alike. */
export const id: Shape<string> = matching(/^[!-~]{1,200}$/, 'an id of 1 to 200 visible characters');

export const personId: Shape<string> = matching(
  /^prs_[0-7][0-9A-HJKMNP-TV-Z]{25}$/,
  'prs_ and a ULID',
);

export const credentialId: Shape<string> = base64url(1, 1_023);
export const tenant: Shape<string> = matching(/^[a-z0-9][a-z0-9-]{1,62}$/, 'a tenant');
export const origin: Shape<string> = matching(
  /^[!-*,-~]{1,200}$/,
  'an origin without space or plus',
);
/** Of a rule, and of what is named like one. */
export const RULE_ID = '[a-z0-9][a-z0-9._-]{0,63}';

export const ruleId: Shape<string> = matching(
  new RegExp(`^${RULE_ID}$`),
  'a rule id of 1 to 64 characters',
);

/** Of an identity provider, as its tokens say it. */
export const issuerUrl: Shape<string> = matching(/^https?:\/\/[!-~]{1,500}$/, 'an issuer');
export const nonce: Shape<string> = base64url(16, 64);
export const ed25519Signature: Shape<string> = base64url(64, 64);
export const derSignature: Shape<string> = base64url(8, 72);
export const spki: Shape<string> = base64url(32, 600);
export const coseKey: Shape<string> = base64url(32, 1_200);
export const sshKey: Shape<string> = base64url(32, 600);
export const vkey: Shape<string> = text(500);
export const position: Shape<number> = integer(0);

export const refusalCode: Shape<RefusalCode> = (json, path) => {
  if (typeof json !== 'string' || !isRefusalCode(json)) throw invalid(path, 'a refusal code');
  return json;
};

export const humanProof: Shape<HumanProof> = (json, path) => {
  if (json === undefined) throw invalid(path, 'a proof');
  return refusing(() => parseHumanProof(json));
};

/** Where an authority stands: the last entry that changed it. schemas/formats/authority.md §4. */
export interface AuthorityRef {
  readonly index: number;
  readonly leaf: Leaf;
  readonly root: Digest;
}

export const authorityRef: Shape<AuthorityRef> = object<AuthorityRef>({
  index: position,
  leaf,
  root: digest,
});
