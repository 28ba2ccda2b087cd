import { isUlid } from '@countersign/canonical';
import type { Command } from 'commander';
import { cliError } from '../cli-error.ts';
import type { AccessOptions } from '../ledger-access.ts';

export interface ClientOptions extends AccessOptions {
  readonly json?: true;
}

/** Of a command that asks persons to sign for a change. */
export interface ReasonOptions extends ClientOptions {
  readonly reason: string;
}

export const REASON = ['--reason <text>', 'why, for whoever signs'] as const;

/** Which ledger, and as whom. */
export function addAccessOptions(command: Command): Command {
  return command
    .option('--data <dir>', 'data folder of the ledger (COUNTERSIGN_DATA_DIR)')
    .option('--url <url>', 'a ledger elsewhere; needs --trust, and --key with --agent-id')
    .option('--key <file>', 'key file of the agent')
    .option('--agent-id <id>', 'id of the agent')
    .option('--trust <file>', 'trust file (default: that of the data folder)')
    .option('--json', 'print JSON, one object a line');
}

/** For commands that only read. */
export function addReadOptions(command: Command): Command {
  return addAccessOptions(command).option(
    '--read-token <file>',
    'file of a read token, which sees more than an agent (default: that of the data folder)',
  );
}

/** The argument that names an action. */
export function addActionId(command: Command): Command {
  return command.argument('<id>', 'id of the action', (text: string) => {
    if (isUlid(text)) return text;
    throw cliError('USAGE', 'id: expected the id of an action, 26 capital letters and digits');
  });
}
