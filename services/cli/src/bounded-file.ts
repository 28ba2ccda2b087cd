import { constants, createReadStream } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';

/** The whole of a file of at most this size; undefined for a larger one, of which no more than that is read. */
export async function readBounded(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  return collect(createReadStream(path, { end: bytesMax }), bytesMax);
}

/**
 * As readBounded, for a file that nobody has a reason to make anything else than a file: undefined for a pipe, which would never
 * end, and for a device, too.
 */
export async function readRegular(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  // Asked before, because opening a device can act on it; and of what is open, because it may be another one by then.
  if (!(await stat(path)).isFile()) return undefined;
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return (await file.stat()).isFile() ? await readOpen(file, bytesMax) : undefined;
  } finally {
    await file.close();
  }
}

function readOpen(file: FileHandle, bytesMax: number): Promise<Uint8Array | undefined> {
  return collect(file.createReadStream({ end: bytesMax, autoClose: false }), bytesMax);
}

async function collect(
  stream: AsyncIterable<unknown>,
  bytesMax: number,
): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let total = 0;
  // The end is counted, and not asked for: a device or a pipe has no size, and a file may grow.
  for await (const chunk of stream) {
    const bytes = chunk as Buffer;
    total += bytes.length;
    chunks.push(bytes);
  }
  return total > bytesMax ? undefined : new Uint8Array(Buffer.concat(chunks));
}
