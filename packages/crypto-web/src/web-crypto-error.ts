/** The signature was not checked: that is neither a yes nor a no. */
export class WebCryptoError extends Error {
  override readonly name = 'WebCryptoError';
  readonly code = 'BROWSER_TOO_OLD';
}
