import type { EntryRow } from '@countersign/store';
import type { Static } from 'typebox';
import type { ProvenEntriesSchema, ProvenEntrySchema } from './answer-schema.ts';
import type { Gateway } from './gateway-app.ts';
import { sentEntry } from './sent-entry.ts';

type ProvenEntry = Static<typeof ProvenEntrySchema>;

/**
 * Those of the entries that the head of this size holds, each with its receipt at that head; at the newest head unless given.
 *
 * @throws ProjectorError as LogHeads.ofSize
 */
export async function provenEntries(
  { proofs }: Pick<Gateway, 'proofs'>,
  rows: readonly EntryRow[],
  size?: number,
): Promise<Static<typeof ProvenEntriesSchema>> {
  const head = await proofs.heads.ofSize(size);
  const covered = rows.filter(({ index }) => index < head.size);
  const receipts = await proofs.receiptsUnder(
    head,
    covered.map(({ index }) => index),
  );
  const entries = covered.map((row, at): ProvenEntry => ({
    entry: sentEntry(row),
    receipt: receipts[at] ?? '',
  }));
  return { size: head.size, entries };
}
