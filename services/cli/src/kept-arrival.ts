import { canonicalText, type Json, type JsonObject } from '@countersign/canonical';
import { SdkError, type InputAnswer, type LedgerClient } from '@countersign/sdk';
import { CliError } from './cli-error.ts';
import { writePrivate } from './data-folder.ts';

/**
 * Asks, and keeps in a file what the ledger has promised of it; then, in the same file, what it answered
 * (schemas/formats/arrival-promise.md §1). Without a file it only asks.
 *
 * Crash story: the promise is on the disk before the answer is waited for. Stopping after that leaves what
 * `countersign audit --promise` holds the log to. A refusal is an answer, and is kept as one.
 */
export async function submitKept(
  client: LedgerClient,
  frame: string,
  path: string | undefined,
): Promise<InputAnswer> {
  if (path === undefined) return client.submit('requests', frame);
  let arrival: JsonObject | undefined;
  const write = (kept: JsonObject): Promise<void> => writePrivate(path, `${canonicalText(kept)}\n`);
  const answered = async ({ entry, receipt }: InputAnswer): Promise<void> => {
    const told: Readonly<Record<string, Json>> = { entry: entry.text, receipt };
    await write({ ...(arrival ?? { v: 'countersign.arrival.v1' }), ...told });
  };
  try {
    const answer = await client.submit('requests', frame, async (promised) => {
      arrival = promised;
      await write(promised);
    });
    await answered(answer);
    return answer;
  } catch (error) {
    const refusal = error instanceof CliError ? error.cause : undefined;
    if (refusal instanceof SdkError && refusal.answer !== undefined) await answered(refusal.answer);
    throw error;
  }
}
