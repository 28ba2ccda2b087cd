/** KEY_FORMAT: not a key of the kind that was asked for. KEY_FILE_PERMISSIONS: others than its owner may read or change it. */
export type CryptoErrorCode =
  'KEY_FORMAT' | 'KEY_FILE_EXISTS' | 'KEY_FILE_IO' | 'KEY_FILE_MISSING' | 'KEY_FILE_PERMISSIONS';

export class CryptoError extends Error {
  override readonly name = 'CryptoError';
  readonly code: CryptoErrorCode;

  constructor(code: CryptoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
