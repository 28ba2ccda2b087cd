/** Why this page itself refuses. What the server refuses keeps the server's own code: see server-problem.ts. */
export type ConsoleCode =
  // What the server sent is not what the ledger admitted.
  | 'ACTION_DIGEST_MISMATCH'
  | 'ADMISSION_MISMATCH'
  | 'DESCRIPTOR_MISMATCH'
  | 'DISPLAY_MISMATCH'
  | 'POLICY_MISMATCH'
  | 'RATIONALE_MISMATCH'
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

const MISMATCHES: ReadonlySet<ConsoleCode> = new Set<ConsoleCode>([
  'ACTION_DIGEST_MISMATCH',
  'ADMISSION_MISMATCH',
  'DESCRIPTOR_MISMATCH',
  'DISPLAY_MISMATCH',
  'POLICY_MISMATCH',
  'RATIONALE_MISMATCH',
  'NOT_LOGGED',
  'LOG_KEY_UNKNOWN',
  'CHECKPOINT_INVALID',
  'GENESIS_MISMATCH',
]);

/** Whether what was sent could be read, and is proved to be something else than the ledger holds. */
export function isMismatch(code: ConsoleCode): boolean {
  return MISMATCHES.has(code);
}

export class ConsoleError extends Error {
  override readonly name = 'ConsoleError';
  readonly code: ConsoleCode;

  constructor(code: ConsoleCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
