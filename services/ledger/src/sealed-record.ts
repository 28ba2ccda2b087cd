import type { NewRecord } from '@countersign/broker';
import type { AcceptedBatch, TailTree } from '@countersign/log-reader';
import { activeTrace, lastingTraceHeaders } from '@countersign/tracing';
import { encodeLogRecord, eventHeaders, logSource } from '@countersign/wire';

export interface SealedPart {
  readonly origin: string;
  readonly size: number;
  /** The signed note. */
  readonly note: string;
  /** The batches that it seals. */
  readonly batches: readonly AcceptedBatch[];
  /** Indexes of the bindings among their entries. */
  readonly bindings: ReadonlySet<number>;
  readonly tail: TailTree;
}

/**
 * What is published of a signed head: each binding with its own receipt, and the checkpoint after them all.
 * So wherever the checkpoint stands in the log, its bindings stand before it.
 */
export function sealedRecords(part: SealedPart): NewRecord[] {
  const { size, note, tail } = part;
  const source = logSource(part.origin);
  const trace = lastingTraceHeaders(activeTrace());
  const records: NewRecord[] = [];
  for (const { index, bytes } of part.batches.flatMap((batch) => batch.entries)) {
    if (!part.bindings.has(index)) continue;
    const receipt = tail.receipt(index, { size, note });
    const value = encodeLogRecord({ kind: 'binding', index, entry: bytes, receipt });
    const key = `binding/${index}`;
    const headers = { ...eventHeaders({ record: 'BindingSealed', id: key, source }), ...trace };
    records.push({ key, value, headers });
  }
  const key = `checkpoint/${size}`;
  records.push({
    key,
    value: encodeLogRecord({ kind: 'checkpoint', size, note }),
    headers: { ...eventHeaders({ record: 'CheckpointSealed', id: key, source }), ...trace },
  });
  return records;
}
