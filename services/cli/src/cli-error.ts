export { isSystemError } from '@countersign/durable-file';

/** What a command answers to its shell. docs/cli.md, "Exit codes". */
export const EXIT = { ok: 0, refused: 1, usage: 2, indeterminate: 3, commandFailed: 10 } as const;

/** Our own refusals; those of the ledger and of verifiers keep their codes. docs/cli.md, "Messages". */
export type CliErrorCode =
  // The data folder and the server.
  | 'PORT_BUSY'
  | 'DATA_FOREIGN'
  | 'DATA_DAMAGED'
  | 'DATA_BUSY'
  | 'DATA_MISSING'
  | 'DATA_OTHER_FOUNDING'
  | 'DATA_UNREADABLE'
  | 'DATA_PERMISSIONS'
  | 'DATA_REPLACED'
  | 'DISK_FULL'
  | 'FOREIGN_LEDGER'
  | 'KEY_FILE_PERMISSIONS'
  | 'KEY_FILE_INVALID'
  | 'LEDGER_STOPPED'
  | 'CONFIG_INVALID'
  // What a command is made of.
  | 'COMMAND_NOT_FOUND'
  | 'COMMAND_NOT_A_FILE'
  | 'COMMAND_NOT_EXECUTABLE'
  | 'COMMAND_SETUID'
  | 'COMMAND_TOO_LARGE'
  | 'COMMAND_INTERPRETER'
  | 'COMMAND_NOT_STARTED'
  | 'DIRECTORY_NOT_FOUND'
  | 'ENV_MISSING'
  | 'ENV_REPEATED'
  | 'ENV_NOT_SECRET'
  | 'STDIN_TOO_LARGE'
  // Going on after an interruption.
  | 'INTERRUPTED'
  | 'RESUME_UNKNOWN'
  | 'RESUME_BUSY'
  // How a request ended.
  | 'DENIED'
  // Deciding in a terminal.
  | 'TERMINAL_REQUIRED'
  | 'TERMINAL_TOO_SMALL'
  | 'NOT_DECIDED'
  | 'CONFIRMATION_MISMATCH'
  | 'SSH_KEYGEN_MISSING'
  | 'SSH_KEY_UNREADABLE'
  | 'SSH_KEY_REFUSED'
  | 'SSH_KEY_TIMEOUT'
  | 'SSH_KEY_MISMATCH'
  | 'RATIONALE_TOO_LONG'
  // The rest.
  | 'USAGE'
  | 'FILE_UNREADABLE'
  | 'FILE_TOO_LARGE'
  | 'FILE_EXISTS'
  | 'ANSWER_INVALID'
  | 'USE_NOT_FOUND'
  | 'INTERNAL';

const USAGE_CODES: ReadonlySet<string> = new Set<CliErrorCode>([
  'USAGE',
  'CONFIG_INVALID',
  'COMMAND_NOT_FOUND',
  'COMMAND_NOT_A_FILE',
  'COMMAND_NOT_EXECUTABLE',
  'COMMAND_SETUID',
  'COMMAND_TOO_LARGE',
  'COMMAND_INTERPRETER',
  'DIRECTORY_NOT_FOUND',
  'ENV_MISSING',
  'ENV_REPEATED',
  'ENV_NOT_SECRET',
  'STDIN_TOO_LARGE',
  'RESUME_UNKNOWN',
  'TERMINAL_REQUIRED',
  'TERMINAL_TOO_SMALL',
  'SSH_KEYGEN_MISSING',
  'SSH_KEY_UNREADABLE',
  'RATIONALE_TOO_LONG',
  'FILE_UNREADABLE',
  'FILE_TOO_LARGE',
  'FILE_EXISTS',
]);

const INDETERMINATE_CODES: ReadonlySet<string> = new Set([
  'INTERRUPTED',
  'RESUME_BUSY',
  'RUN_BUSY',
  'RULES_UNKNOWN',
  'LEDGER_UNREACHABLE',
  'CONTENT_MISSING',
  'AUTHORITY_MISSING',
  'CLOCK_UNKNOWN',
  'ANSWER_INVALID',
  'INTERNAL',
]);

/**
 * A command that cannot go on: a stable code, plain words, and what to do next. The code is ours, the ledger's or the
 * verifier's: all three are closed lists, and none of them shares a word with another meaning.
 */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: string;
  /** A line to type, or what to change. */
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: ErrorOptions & { hint?: string } = {}) {
    super(message, options);
    this.code = code;
    this.hint = options.hint;
  }

  get exitCode(): number {
    if (USAGE_CODES.has(this.code)) return EXIT.usage;
    return INDETERMINATE_CODES.has(this.code) ? EXIT.indeterminate : EXIT.refused;
  }
}

export function cliError(
  code: CliErrorCode,
  message: string,
  options: ErrorOptions & { hint?: string } = {},
): CliError {
  return new CliError(code, message, options);
}
