/** The text of its bytes from `start` to before `end`: U+0000 to U+00FF, one character a byte. Of ASCII, what it says. */
type Latin1Reader = (start: number, end: number) => string;

/** Arguments of one String.fromCharCode call; engines bound the argument count by their stack. */
const CHUNK = 4096;

/** Below this many bytes the platform's own takes longer to be called than to read. */
const SHORT_TEXT = 12;

let readerOf: (bytes: Uint8Array) => Latin1Reader = portableReader;

function portableReader(bytes: Uint8Array): Latin1Reader {
  return (start, end) => portableText(bytes, start, end);
}

function portableText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let from = start; from < end; from += CHUNK) {
    const part = bytes.subarray(from, Math.min(from + CHUNK, end));
    // As `apply`, so that no array of numbers is made for it.
    text += String(Reflect.apply(String.fromCharCode, undefined, part));
  }
  return text;
}

/** For whoever reads several texts from the same bytes, which MUST NOT change their memory. */
export function latin1Reader(bytes: Uint8Array): Latin1Reader {
  const read = readerOf(bytes);
  return (start, end) =>
    end - start < SHORT_TEXT ? portableText(bytes, start, end) : read(start, end);
}

/**
 * Memory in which short-lived bytes are put together and read as text. Whoever fills it MUST read it before anybody
 * else may run.
 */
export class Latin1Scratch {
  readonly bytes: Uint8Array;
  #readerOf: typeof readerOf | undefined;
  #read: Latin1Reader = portableReader(new Uint8Array(0));

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  /** The text of the first bytes. */
  text(size: number): string {
    if (this.#readerOf !== readerOf) {
      this.#readerOf = readerOf;
      this.#read = readerOf(this.bytes);
    }
    return this.#read(0, size);
  }
}

/** The text of all these bytes. */
export function latin1Text(bytes: Uint8Array): string {
  return readerOf(bytes)(0, bytes.length);
}

/**
 * Hands in the platform's own reader of Latin-1, which is many times as fast for long text. Nothing that is read
 * depends on whether this was called; it is compared first.
 *
 * @throws RangeError for one that reads something else
 * @example useLatin1Reader(nativeLatin1Reader); // of @countersign/crypto-node
 */
export function useLatin1Reader(native: (bytes: Uint8Array) => Latin1Reader): void {
  const bytes = Uint8Array.from({ length: 1_000 }, (_, at) => at & 0xff);
  // A view, because the memory that holds the bytes may begin before them.
  const view = bytes.subarray(100);
  const read = native(view);
  for (const [start, end] of COMPARED) {
    if (read(start, end) !== portableText(view, start, end)) {
      throw new RangeError(`expected the text of bytes ${start} to ${end}, got something else`);
    }
  }
  readerOf = native;
}

const COMPARED = [
  [0, 900],
  [3, 131],
  [28, 28],
  [899, 900],
] as const;
