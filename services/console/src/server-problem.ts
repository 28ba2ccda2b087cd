/** An RFC 9457 answer of the gateway: a refusal, with the ledger's own code. */
export class ServerProblem extends Error {
  override readonly name = 'ServerProblem';
  readonly code: string;
  readonly status: number;
  /** Index of the entry that records the refusal, if the ledger has logged it. */
  readonly entryIndex: number | undefined;

  constructor(code: string, message: string, facts: { status: number; entryIndex?: number }) {
    super(message);
    this.code = code;
    this.status = facts.status;
    this.entryIndex = facts.entryIndex;
  }
}
