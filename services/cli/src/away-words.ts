import { cliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import type { Patience } from '@countersign/sdk';
import type { Narrator } from './narrator.ts';

const DEFAULT_S = 60;
const MS_PER_S = 1_000;

/** How long a command that waits for the ledger bears that it is away, and what it says of it. @throws CliError USAGE */
export function patienceOf({ env }: Pick<CliContext, 'env'>, narrator: Narrator): Patience {
  const text = env['COUNTERSIGN_RETRY_S'] ?? String(DEFAULT_S);
  if (!/^[0-9]{1,4}$/.test(text)) {
    throw cliError('USAGE', 'COUNTERSIGN_RETRY_S: expected 0 to 9999 seconds');
  }
  return {
    forMs: Number(text) * MS_PER_S,
    onAway: () => {
      narrator.waited();
      narrator.say('away', `the ledger does not answer; trying again for ${text} s …`);
    },
    onBack: () => {
      narrator.say('back', 'the ledger answers again');
    },
  };
}
