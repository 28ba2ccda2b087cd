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
 * Of persons and their deputies, who has no key: then nobody decides in that place. Nobody, where the reader may not see keys.
 *
 * @throws CliError ANSWER_INVALID, …
 */
export async function keylessOf(
  client: LedgerClient,
  deputies: readonly Deputy[],
): Promise<ReadonlySet<string>> {
  const keyless = new Set<string>();
  try {
    for (const person of new Set(deputies.flatMap((each) => [each.principal, each.deputy]))) {
      const path = `/v1/credentials?person=${person}`;
      const keys = listedRows(client, { path, rows: 'members', limit: 1 });
      if ((await keys.next()).done === true) keyless.add(person);
    }
  } catch (error) {
    if (error instanceof CliError && error.code === 'READ_SCOPE') return new Set();
    throw error;
  }
  return keyless;
}
