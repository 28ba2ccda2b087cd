import { parseEntry, type Entry } from '@countersign/binding';
import { utf8, type Json } from '@countersign/canonical';
import { cliError } from './cli-error.ts';
import { isAnsweredEntry, type AnsweredEntry, type LedgerClient } from '@countersign/sdk';

const PAGE = 1_000;

/** Entries as the server sent them, and how many the log has; which ones and how many they are is not checked. */
export interface EntryPage {
  readonly entries: readonly AnsweredEntry[];
  readonly size: number;
}

/** @throws CliError ANSWER_INVALID, READ_SCOPE for whoever may not read the whole log, … */
export async function entryPage(
  client: LedgerClient,
  { start, limit }: { readonly start: number; readonly limit: number },
): Promise<EntryPage> {
  const page = await client.getObject(`/v1/log/entries?start=${start}&limit=${limit}`);
  const { entries, size } = page;
  if (!Array.isArray(entries) || typeof size !== 'number') {
    throw cliError('ANSWER_INVALID', 'expected entries of the log');
  }
  const answered = (entries as readonly Json[]).map((entry) => {
    if (!isAnsweredEntry(entry)) throw cliError('ANSWER_INVALID', 'expected an entry of the log');
    return entry;
  });
  return { entries: answered, size };
}

/**
 * Every entry that a signed head covers, in their order.
 *
 * @throws CliError as entryPage
 */
export async function* logEntries(client: LedgerClient): AsyncGenerator<Entry> {
  for (let start = 0; ; start += PAGE) {
    const { entries, size } = await entryPage(client, { start, limit: PAGE });
    for (const { text } of entries) yield parseEntry(utf8(text));
    if (start + PAGE >= size) return;
  }
}
