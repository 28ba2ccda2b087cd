/**
 * The key of a batch record: the size of the head that it follows, and the offset after the record that made this head.
 * Every writer has read the log up to there, so whoever knows this head may go on reading at that offset.
 */
export function batchKey(sizeBefore: number, headEnd: number): string {
  return `batch/${sizeBefore}/${headEnd}`;
}

const BATCH_KEY = /^batch\/(\d{1,15})\/(\d{1,15})$/;

/** Undefined for a batch of a writer that did not say so, and for any other record. */
export function parseBatchKey(
  key: string,
): { readonly sizeBefore: number; readonly headEnd: number } | undefined {
  const [, sizeBefore, headEnd] = BATCH_KEY.exec(key) ?? [];
  if (sizeBefore === undefined || headEnd === undefined) return undefined;
  return { sizeBefore: Number(sizeBefore), headEnd: Number(headEnd) };
}

/** Of a batch that was copied from another partition, whose offsets mean nothing here. */
export function copiedBatchKey(sizeBefore: number): string {
  return `batch/${sizeBefore}`;
}
