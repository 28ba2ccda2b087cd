import { createReadStream } from 'node:fs';

/** The whole of a file of at most this size; undefined for a larger one, of which no more than that is read. */
export async function readBounded(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let total = 0;
  // The end is counted, and not asked for: a device or a pipe has no size.
  for await (const chunk of createReadStream(path, { end: bytesMax })) {
    const bytes = chunk as Buffer;
    total += bytes.length;
    chunks.push(bytes);
  }
  return total > bytesMax ? undefined : new Uint8Array(Buffer.concat(chunks));
}
