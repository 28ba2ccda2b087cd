import { toHex } from '@countersign/canonical';
import { eventHeaders, logSource, type Batch } from '@countersign/wire';

/** Of a proposal: two with the same id propose the same leaves at the same place. */
export function batchHeaders({ origin, sizeAfter, rootAfter }: Batch): Record<string, string> {
  const id = `batch/${sizeAfter}/${toHex(rootAfter)}`;
  return eventHeaders({ record: 'Batch', id, source: logSource(origin) });
}
