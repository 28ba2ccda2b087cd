import { deputiesIn, type Deputy } from '@countersign/console';
import type { LedgerClient } from '@countersign/sdk';
import { checkedHere } from './checked-review.ts';
import { CliError } from './cli-error.ts';
import { listedRows } from './commands/listed-rows.ts';

/** Who decides in whose place, as the server tells: what counts is what the ledger takes. @throws CliError ANSWER_FORMAT */
export async function deputiesOf(client: LedgerClient): Promise<readonly Deputy[]> {
  const status = await client.getObject('/v1/status');
  return checkedHere(async () => Promise.resolve(deputiesIn(status)));
}

/**
 * Of the two, who has no key: then nobody decides in that place. Nobody, where the reader may not see keys.
 *
 * @throws CliError ANSWER_INVALID, …
 */
export async function keylessOf(
  client: LedgerClient,
  { principal, deputy }: Deputy,
): Promise<readonly string[]> {
  const keyless: string[] = [];
  try {
    for (const person of [principal, deputy]) {
      const path = `/v1/credentials?person=${person}`;
      const keys = listedRows(client, { path, rows: 'members', limit: 1 });
      if ((await keys.next()).done === true) keyless.push(person);
    }
  } catch (error) {
    if (error instanceof CliError && error.code === 'READ_SCOPE') return [];
    throw error;
  }
  return keyless;
}
