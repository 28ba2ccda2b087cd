export type ReportCode =
  /** The period has more actions than one report holds. */
  | 'REPORT_TOO_LARGE'
  /** What is no statement of ours, or no envelope: schemas/formats/statement.md. */
  | 'ENVELOPE_FORMAT'
  | 'PAYLOAD_TYPE'
  | 'SIGNATURE_INVALID'
  | 'STATEMENT_FORMAT'
  | 'PREDICATE_TYPE';

export class ReportError extends Error {
  override readonly name = 'ReportError';
  readonly code: ReportCode;

  constructor(code: ReportCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
