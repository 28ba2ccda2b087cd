/** Latin-1 as the platform reads it, for `useLatin1Reader` of @countersign/canonical. */
export function nativeLatin1Reader(bytes: Uint8Array): (start: number, end: number) => string {
  // A view of the same memory: nothing is copied but the texts.
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (start, end) => view.toString('latin1', start, end);
}
