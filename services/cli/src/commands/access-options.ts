import type { Command } from 'commander';
import type { AccessOptions } from '../ledger-access.ts';

export interface ClientOptions extends AccessOptions {
  readonly json?: true;
}

/** Which ledger, and as whom. */
export function addAccessOptions(command: Command): Command {
  return command
    .option('--data <dir>', 'data folder of the ledger (COUNTERSIGN_DATA_DIR)')
    .option('--url <url>', 'a ledger elsewhere; needs --key, --agent-id and --trust')
    .option('--key <file>', 'key file of the agent')
    .option('--agent-id <id>', 'id of the agent')
    .option('--trust <file>', 'trust file (default: that of the data folder)')
    .option('--json', 'print JSON, one object a line');
}
