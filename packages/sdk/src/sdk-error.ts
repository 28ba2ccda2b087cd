import type { InputAnswer } from './input-answer.ts';

/** What this package refuses with by itself. Codes of the ledger and of the verifier come through as they are. */
export type SdkErrorCode =
  /** No answer, or none that can be read. It is never taken for a yes. */
  | 'LEDGER_UNREACHABLE'
  | 'ANSWER_INVALID'
  /** The caller's signal. */
  | 'INTERRUPTED'
  /** What a guard was handed is no action. */
  | 'ACTION_INVALID'
  /** The caller's function could not read the live state. */
  | 'PRECONDITION_UNREADABLE'
  /** Another process, or another call, is at this run. */
  | 'RUN_BUSY'
  /** The use was claimed, and nothing was started on it. */
  | 'NOT_STARTED'
  /** Whether it ran, or what came of it, is not known. */
  | 'OUTCOME_UNKNOWN'
  /** A record of a run that this package did not write. */
  | 'RECORD_DAMAGED'
  /** How a request ended without a binding. */
  | 'DENIED'
  | 'REQUEST_REFUSED';

/** Switch on `code`: it is stable. The message says what was expected and what came, never a secret or a payload. */
export class SdkError extends Error {
  override readonly name = 'SdkError';
  readonly code: string;
  /** The entry by which the ledger refused it, with its receipt: proof of the refusal. Not every refusal is an entry. */
  readonly answer: InputAnswer | undefined;

  constructor(
    code: string,
    message: string,
    options: ErrorOptions & { readonly answer?: InputAnswer | undefined } = {},
  ) {
    super(message, options);
    this.code = code;
    this.answer = options.answer;
  }
}

export function sdkError(code: SdkErrorCode, message: string, options?: ErrorOptions): SdkError {
  return new SdkError(code, message, options);
}
