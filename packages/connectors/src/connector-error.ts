export type ConnectorErrorCode =
  | 'CONSTRAINT_VIOLATED'
  | 'EFFECT_DIFFERS'
  | 'IDEMPOTENCY_CONFLICT'
  | 'NOT_SUPPORTED'
  | 'PRECONDITION_STALE'
  | 'RECORD_FORMAT'
  | 'RECORD_LIMIT'
  | 'TARGET_BUSY'
  | 'TARGET_REFUSED'
  | 'TARGET_UNKNOWN';

/** Its message says what was expected and got, and never holds a secret of the target. */
export class ConnectorError extends Error {
  override readonly name = 'ConnectorError';
  readonly code: ConnectorErrorCode;

  constructor(code: ConnectorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
