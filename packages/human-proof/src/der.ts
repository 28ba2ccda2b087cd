import { HumanProofError } from './human-proof-error.ts';

/** One value of DER (X.690): what is inside, and all of it with its head. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

const LONG_FORM = 0x80;
/** More than 64 KiB is no certificate of ours. */
const LENGTH_BYTES_MAX = 2;
/** Tags of more than one byte occur in no certificate. */
const LONG_TAG = 0x1f;

/** @throws HumanProofError with why `certificate` unless these bytes are one value, lengths in their shortest form */
export function readDer(bytes: Uint8Array): DerValue {
  const value = valueAt(bytes, 0);
  if (value.whole.length !== bytes.length) throw malformed('nothing after it');
  return value;
}

/** The values within a value, in their order. @throws HumanProofError as above */
export function valuesIn({ content }: DerValue): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < content.length;) {
    const value = valueAt(content, at);
    values.push(value);
    at += value.whole.length;
  }
  return values;
}

/** The content of a value of this tag. @throws HumanProofError as above */
export function contentOf(value: DerValue | undefined, tag: number): Uint8Array {
  return ofTag(value, tag).content;
}

/** @throws HumanProofError as above */
export function ofTag(value: DerValue | undefined, tag: number): DerValue {
  if (value?.tag !== tag) throw malformed(`tag ${tag.toString(16)}, got ${value?.tag ?? 'none'}`);
  return value;
}

function valueAt(bytes: Uint8Array, at: number): DerValue {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) throw malformed('a tag and a length');
  if ((tag & LONG_TAG) === LONG_TAG) throw malformed('a tag of one byte');
  const { length, size } = first < LONG_FORM ? { length: first, size: 0 } : long(bytes, at + 1);
  const start = at + 2 + size;
  if (start + length > bytes.length) throw malformed(`${length} bytes of content`);
  return {
    tag,
    content: bytes.subarray(start, start + length),
    whole: bytes.subarray(at, start + length),
  };
}

function long(bytes: Uint8Array, at: number): { length: number; size: number } {
  const size = (bytes[at] ?? 0) & ~LONG_FORM;
  const digits = bytes.subarray(at + 1, at + 1 + size);
  if (size < 1 || size > LENGTH_BYTES_MAX || digits.length !== size) {
    throw malformed(`a length of at most ${LENGTH_BYTES_MAX} bytes`);
  }
  const length = digits.reduce((sum, digit) => sum * 256 + digit, 0);
  if (length < LONG_FORM || digits[0] === 0) throw malformed('the shortest length');
  return { length, size };
}

function malformed(expected: string): HumanProofError {
  return new HumanProofError('certificate', `expected DER with ${expected}`);
}
