/**
 * Our profile of RFC 9421, the same for who signs and who checks. Only reads without a body are signed: what changes
 * the ledger is a signed object of its own and needs no second signature.
 */
export const PROFILE = {
  label: 'countersign',
  algorithm: 'ed25519',
  /** Method and whole address, so that a signature for one answer never fetches another. */
  fields: ['@method', '@target-uri'],
  params: ['created', 'keyid', 'alg', 'nonce'],
  /** Both directions: a client's clock may be this much off, and a signature is no older than this. */
  skewS: 60,
} as const;

/** The only shape accepted of `Signature-Input`; the library parses more than we want to reason about. */
export const SIGNATURE_INPUT: RegExp =
  /^countersign=\("@method" "@target-uri"\);created=(?<created>[0-9]{1,12});keyid="(?<keyId>sha256:[0-9a-f]{64})";alg="ed25519";nonce="(?<nonce>[A-Za-z0-9_-]{22,64})"$/;
