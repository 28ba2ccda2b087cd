import type { Broker } from '@countersign/broker';
import { CompactRange, hashLeaf } from '@countersign/tlog';
import { decodeLogRecord, encodeLogRecord } from '@countersign/wire';

/** What a writer would append next that has not read that the log has moved: the exact successor of its head there. */
export async function successorIn(broker: Broker, partition: number): Promise<Uint8Array> {
  const range = CompactRange.empty();
  let origin = '';
  let entry = new Uint8Array();
  for (const { value } of await broker.read({ topic: 'log', partition }, 0, 10_000)) {
    const batch = value === null ? undefined : decodeLogRecord(value);
    if (batch?.kind !== 'batch' || batch.sizeBefore !== range.size) continue;
    ({ origin } = batch);
    for (const bytes of batch.entries) {
      range.append(hashLeaf(bytes));
      entry = new Uint8Array(bytes);
    }
  }
  const { size: sizeBefore } = range;
  const rootBefore = range.root();
  range.append(hashLeaf(entry));
  return encodeLogRecord({
    kind: 'batch',
    origin,
    ...{ sizeBefore, rootBefore, sizeAfter: range.size, rootAfter: range.root() },
    intakeOffsetAfter: 1_000,
    epoch: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
    rulesVersion: 2,
    entries: [entry],
  });
}
