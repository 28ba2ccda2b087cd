import { parseEntry, type Entry } from '@countersign/binding';
import { utf8, type Json } from '@countersign/canonical';
import { cliError } from './cli-error.ts';
import { isAnsweredEntry, type LedgerClient } from '@countersign/sdk';

const PAGE = 1_000;

/**
 * Every entry that a signed head covers, in their order.
 *
 * @throws CliError ANSWER_INVALID, READ_SCOPE for whoever may not read the whole log, …
 */
export async function* logEntries(client: LedgerClient): AsyncGenerator<Entry> {
  for (let start = 0; ; start += PAGE) {
    const page = await client.getObject(`/v1/log/entries?start=${start}&limit=${PAGE}`);
    const { entries, size } = page;
    if (!Array.isArray(entries) || typeof size !== 'number') {
      throw cliError('ANSWER_INVALID', 'expected entries of the log');
    }
    for (const entry of entries as readonly Json[]) {
      if (!isAnsweredEntry(entry)) throw cliError('ANSWER_INVALID', 'expected an entry of the log');
      yield parseEntry(utf8(entry.text));
    }
    if (start + PAGE >= size) return;
  }
}
