/** One signature for the injected verifier to check. */
export interface SignatureCheck {
  readonly algorithm: 'ed25519' | 'ecdsa-p256-sha256';
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  /** Ed25519: 64 bytes. ECDSA: ASN.1 DER. */
  readonly signature: Uint8Array;
}

/**
 * Checks a signature; this package does no signature arithmetic of its own. It MUST answer false for a
 * signature that does not verify, however malformed, and throw only when it cannot decide.
 */
export type VerifySignature = (check: SignatureCheck) => boolean | Promise<boolean>;
