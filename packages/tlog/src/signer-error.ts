/** What a caller may do next. `retryable`: wait and ask again. `fatal`: no repetition mends it, stop. */
export type SignerErrorKind = 'retryable' | 'fatal';

export type SignerErrorCode =
  /** No answer, or none that says anything about the request. */
  | 'SIGNER_UNAVAILABLE'
  | 'SIGNER_THROTTLED'
  | 'SIGNER_TIMEOUT'
  /** Whoever asks may not use the key, or is not known. */
  | 'SIGNER_DENIED'
  /** The key is disabled, waits for its deletion, or is not there. */
  | 'SIGNER_KEY_STATE'
  /** The key is none that signs notes. */
  | 'SIGNER_KEY_SPEC'
  /** What came back is no signature of the message by the key that the signer was opened with. */
  | 'SIGNER_SIGNATURE'
  /** More, or less, than the signer takes. */
  | 'SIGNER_LIMIT'
  /** Any other refusal of the request as such. */
  | 'SIGNER_REFUSED';

const KIND_OF_CODE: Readonly<Record<SignerErrorCode, SignerErrorKind>> = {
  SIGNER_UNAVAILABLE: 'retryable',
  SIGNER_THROTTLED: 'retryable',
  SIGNER_TIMEOUT: 'retryable',
  SIGNER_DENIED: 'fatal',
  SIGNER_KEY_STATE: 'fatal',
  SIGNER_KEY_SPEC: 'fatal',
  SIGNER_SIGNATURE: 'fatal',
  SIGNER_LIMIT: 'fatal',
  SIGNER_REFUSED: 'fatal',
};

export class SignerError extends Error {
  override readonly name = 'SignerError';
  readonly code: SignerErrorCode;
  readonly kind: SignerErrorKind;

  constructor(code: SignerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.kind = KIND_OF_CODE[code];
  }
}
