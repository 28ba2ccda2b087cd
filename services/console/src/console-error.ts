/** Why this page itself refuses. What the server refuses keeps the server's own code: see server-problem.ts. */
export type ConsoleCode =
  // What the server sent is not what the ledger admitted.
  | 'ACTION_DIGEST_MISMATCH'
  | 'ADMISSION_MISMATCH'
  | 'DESCRIPTOR_MISMATCH'
  | 'DISPLAY_MISMATCH'
  | 'POLICY_MISMATCH'
  | 'NOT_LOGGED'
  | 'LOG_KEY_UNKNOWN'
  | 'CHECKPOINT_INVALID'
  | 'GENESIS_MISMATCH'
  | 'ANSWER_FORMAT'
  // Nothing is wrong with the ledger, but it cannot go on here.
  | 'SERVER_UNREACHABLE'
  | 'INVITATION_FORMAT'
  | 'PASSKEY_CANCELLED'
  | 'PASSKEY_UNAVAILABLE'
  | 'PASSKEY_FORMAT'
  | 'BROWSER_TOO_OLD';

export class ConsoleError extends Error {
  override readonly name = 'ConsoleError';
  readonly code: ConsoleCode;

  constructor(code: ConsoleCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
