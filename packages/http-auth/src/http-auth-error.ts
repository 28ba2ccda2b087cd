export type HttpAuthErrorCode = 'HTTP_SIGNATURE_MISSING' | 'HTTP_SIGNATURE_INVALID';

/** A request whose RFC 9421 signature is absent or does not hold. The message never repeats a header's value. */
export class HttpAuthError extends Error {
  override readonly name = 'HttpAuthError';
  readonly code: HttpAuthErrorCode;
  constructor(code: HttpAuthErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
