export type CanonicalErrorCode =
  | 'DUPLICATE_KEY'
  | 'NUMBER_OUT_OF_PROFILE'
  | 'TEXT_ENCODING'
  | 'LIMIT_EXCEEDED'
  | 'JSON_SYNTAX'
  | 'NOT_CANONICAL'
  | 'DIGEST_FORMAT'
  | 'ENCODING_FORMAT'
  | 'ULID_FORMAT'
  | 'TIME_FORMAT';

/** The one error of this package: bytes or a value outside schemas/formats/canonical-json.md. */
export class CanonicalError extends Error {
  override readonly name = 'CanonicalError';
  readonly code: CanonicalErrorCode;

  constructor(code: CanonicalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
