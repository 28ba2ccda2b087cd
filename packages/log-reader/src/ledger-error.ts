/** Why the ledger, or whoever reads its log, stopped. None of these is ever retried. */
export type LedgerErrorCode =
  /** Two signed heads that no one log can have; `evidence` holds what proves it. */
  | 'EQUIVOCATION'
  /** The log ends before a head that was pinned or signed, or has another root at that size. */
  | 'LOG_ROLLBACK'
  /** The intake ends before what the log says was decided: it was put back, or the log was not written by a ledger. */
  | 'INTAKE_ROLLBACK'
  /** The log was founded under another origin, genesis or log key than the configuration names. */
  | 'FOREIGN_LEDGER'
  /** The log has moved to another shard, and ended here. */
  | 'LOG_MOVED'
  /** The log says that it lives on another shard: this is a copy of it, or a move that is not complete. */
  | 'NOT_ITS_SHARD'
  /** The last head before a move is not signed yet. */
  | 'NOT_SEALED'
  /** There is another log on the shard that a log is to move to. */
  | 'SHARD_TAKEN'
  /** The broker's time is more than a minute ahead of this machine's clock, or the log's own time is. */
  | 'CLOCK_JUMP'
  /** An accepted batch holds what these rules could not have written. */
  | 'LOG_CORRUPT'
  /** None of the signers has a key that may sign the next head. */
  | 'SIGNING_KEY_NOT_VALID_AT'
  /** The broker or the signer failed in a way that no retry mends. */
  | 'BROKER_FATAL'
  | 'SIGNER_FATAL'
  /** An input for a tenant that no shard has. */
  | 'TENANT_UNKNOWN'
  /** Founding, or what a log of size 0 can never do. */
  | 'NOT_FOUNDED';

export class LedgerError extends Error {
  override readonly name = 'LedgerError';
  readonly code: LedgerErrorCode;
  /** Public material only: signed notes. */
  readonly evidence: readonly string[];

  constructor(
    code: LedgerErrorCode,
    message: string,
    options: ErrorOptions & { readonly evidence?: readonly string[] } = {},
  ) {
    super(message, options);
    this.code = code;
    this.evidence = options.evidence ?? [];
  }
}
