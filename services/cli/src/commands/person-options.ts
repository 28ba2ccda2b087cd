import type { Command } from 'commander';

/** Which ledger, and with which key of a person. */
export function addPersonOptions(command: Command): Command {
  return command
    .option(
      '--ssh-key <file>',
      'your SSH key, or its .pub file when an agent holds it (COUNTERSIGN_SSH_KEY)',
    )
    .option('--data <dir>', 'data folder of the ledger (COUNTERSIGN_DATA_DIR)')
    .option('--url <url>', 'a ledger elsewhere; needs --trust')
    .option('--trust <file>', 'trust file (default: that of the data folder)');
}
