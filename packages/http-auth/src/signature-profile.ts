/**
 * Our profile of RFC 9421, the same for who signs and who checks. Only reads without a body are signed: what changes
 * the ledger is a signed object of its own and needs no second signature.
 */
export const PROFILE = {
  label: 'countersign',
  /** Method and whole address, so that a signature for one answer never fetches another. */
  fields: ['@method', '@target-uri'],
  params: ['created', 'keyid', 'alg', 'nonce'],
  /** Both directions: a client's clock may be this much off, and a signature is no older than this. */
  skewS: 60,
} as const;

/** The `keyid` of a request that a read token proves: the token itself, and even its digest, stays with its holder. */
export const TOKEN_KEY_ID = 'read-token';

/** The only shapes accepted of `Signature-Input`; the library parses more than we want to reason about. */
const ED25519_INPUT =
  /^countersign=\("@method" "@target-uri"\);created=(?<created>[0-9]{1,12});keyid="(?<keyId>sha256:[0-9a-f]{64})";alg="ed25519";nonce="(?<nonce>[A-Za-z0-9_-]{22,64})"$/;
const HMAC_INPUT =
  /^countersign=\("@method" "@target-uri"\);created=(?<created>[0-9]{1,12});keyid="(?<keyId>read-token)";alg="hmac-sha256";nonce="(?<nonce>[A-Za-z0-9_-]{22,64})"$/;

export type SignatureAlgorithm = 'ed25519' | 'hmac-sha256';

export const SIGNATURE_INPUTS: Readonly<Record<SignatureAlgorithm, RegExp>> = {
  ed25519: ED25519_INPUT,
  'hmac-sha256': HMAC_INPUT,
};
