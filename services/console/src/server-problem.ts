import type { LoggedAnswer } from './logged-entry.ts';

/** An RFC 9457 answer of the gateway: a refusal, with the ledger's own code. */
export class ServerProblem extends Error {
  override readonly name = 'ServerProblem';
  readonly code: string;
  readonly status: number;
  /** The entry that the server gives as its reason, if there is one. Nobody has checked it yet. */
  readonly logged: LoggedAnswer | undefined;

  constructor(code: string, message: string, facts: { status: number; logged?: LoggedAnswer }) {
    super(message);
    this.code = code;
    this.status = facts.status;
    this.logged = facts.logged;
  }
}
