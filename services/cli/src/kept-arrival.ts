import { canonicalText, type Json, type JsonObject } from '@countersign/canonical';
import type { InputAnswer, LedgerClient } from '@countersign/sdk';
import { writePrivate } from './data-folder.ts';

/**
 * Asks, and keeps in a file what the ledger has promised of it; then, in the same file, what it answered
 * (schemas/formats/arrival-promise.md §1). Without a file it only asks.
 *
 * Crash story: the promise is on the disk before the answer is waited for. Stopping after that leaves what
 * `countersign audit --promise` holds the log to; what is refused later stays as it was promised, and its entry keeps it.
 */
export async function submitKept(
  client: LedgerClient,
  frame: string,
  path: string | undefined,
): Promise<InputAnswer> {
  if (path === undefined) return client.submit('requests', frame);
  let arrival: JsonObject | undefined;
  const write = (kept: JsonObject): Promise<void> => writePrivate(path, `${canonicalText(kept)}\n`);
  const answer = await client.submit('requests', frame, async (promised) => {
    arrival = promised;
    await write(promised);
  });
  const { entry, receipt } = answer;
  const told: Readonly<Record<string, Json>> = { entry: entry.text, receipt };
  await write({ ...(arrival ?? { v: 'countersign.arrival.v1' }), ...told });
  return answer;
}
