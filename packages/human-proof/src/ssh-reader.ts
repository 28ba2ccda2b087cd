import { concatBytes } from '@countersign/canonical';
import { HumanProofError, type AssertionWhy } from './human-proof-error.ts';

const ASCII = /^[!-~]*$/;

/**
 * Reads the fields of RFC 4251 §5 one after another, each in its one spelling. What does not fit is refused with the
 * `why` of the structure that is being read.
 */
export class SshReader {
  readonly #bytes: Uint8Array;
  readonly #why: AssertionWhy;
  #at = 0;

  constructor(bytes: Uint8Array, why: AssertionWhy) {
    this.#bytes = bytes;
    this.#why = why;
  }

  bytes(size: number): Uint8Array {
    const end = this.#at + size;
    if (end > this.#bytes.length) throw this.#malformed('more bytes');
    const read = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return read;
  }

  byte(): number {
    return this.bytes(1)[0] ?? 0;
  }

  uint32(): number {
    const read = this.bytes(4);
    return new DataView(read.buffer, read.byteOffset, read.byteLength).getUint32(0);
  }

  string(): Uint8Array {
    return this.bytes(this.uint32());
  }

  /** A string of visible ASCII: every name in these structures is one. */
  text(): string {
    const text = String.fromCharCode(...this.string());
    if (!ASCII.test(text)) throw this.#malformed('a name in visible ASCII');
    return text;
  }

  /** An mpint above zero, in its shortest form, with the zero byte that keeps its sign. */
  positiveInteger(): Uint8Array {
    const read = this.string();
    const [first, second] = read;
    const isPositive = first !== undefined && first < 0x80;
    const isShortest = first !== 0 || (second !== undefined && second >= 0x80);
    if (!isPositive || !isShortest) throw this.#malformed('a positive number in its shortest form');
    return read;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw this.#malformed('nothing more');
  }

  #malformed(expected: string): HumanProofError {
    return new HumanProofError(this.#why, `expected ${expected} in SSH bytes`);
  }
}

/** A string of RFC 4251 §5: its length, then its bytes. */
export function sshString(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length);
  return concatBytes(length, bytes);
}
