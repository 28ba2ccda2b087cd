import { BindingError } from '@countersign/binding';
import { VerifyError, type VerifyCode } from '@countersign/verify';

/** Why a log is not what it should be: the codes of verifiers, and those that only an audit has. schemas/formats/audit.md §4 */
export type AuditCode =
  | VerifyCode
  /** An entry bundle holds other entries than its hash tile. */
  | 'BUNDLE_MISMATCH'
  /** A hash tile is not what the tiles below it, or the entries, come to. */
  | 'TILE_MISMATCH'
  /** A tile of the signed head is not there. */
  | 'TILE_MISSING'
  /** The entries come to another root than the signed head. */
  | 'ROOT_MISMATCH'
  /** An entry does not follow from the entries before it by the rules. */
  | 'REPLAY_MISMATCH'
  /** An entry of a version or type, or a founding by rules, that this build does not know. */
  | 'RULES_UNKNOWN'
  /** A promise of an arrival, of another form; not by a key that the log's key let promise; or of another ledger. */
  | 'PROMISE_FORMAT'
  | 'PROMISE_SIGNATURE'
  | 'PROMISE_LEDGER';

/** Thrown by an audit; it becomes the outcome. */
export class AuditError extends Error {
  override readonly name = 'AuditError';
  readonly code: AuditCode;
  /** Of the first entry that is not as it should be; undefined where the head itself is not. */
  readonly index: number | undefined;
  /** Signed notes that prove it without the log. */
  readonly evidence: readonly string[];

  constructor(
    code: AuditCode,
    message: string,
    options: ErrorOptions & {
      readonly index?: number;
      readonly evidence?: readonly string[];
    } = {},
  ) {
    super(message, options);
    this.code = code;
    this.index = options.index;
    this.evidence = options.evidence ?? [];
  }
}

/** A refusal by the packages below, at an entry. Anything else is a bug, and goes on. */
export function atEntry(error: unknown, index: number): AuditError {
  if (error instanceof AuditError) return error;
  const isRefusal = error instanceof BindingError || error instanceof VerifyError;
  if (!isRefusal) throw error;
  return new AuditError(error.code, error.message, { index, cause: error });
}
