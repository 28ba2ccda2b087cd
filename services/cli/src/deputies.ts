import { deputiesIn, type Deputy } from '@countersign/console';
import type { LedgerClient } from '@countersign/sdk';
import { checkedHere } from './checked-review.ts';

/** Who decides in whose place, as the server tells: what counts is what the ledger takes. @throws CliError ANSWER_FORMAT */
export async function deputiesOf(client: LedgerClient): Promise<readonly Deputy[]> {
  const status = await client.getObject('/v1/status');
  return checkedHere(async () => Promise.resolve(deputiesIn(status)));
}
