import { CborError, readCbor, type CborValue } from '@countersign/cbor';
import { CoseReceiptError } from './cose-receipt-error.ts';

export type CborMap = Map<number | string, CborValue>;

/** Reads the one item that these bytes are, from `offset` on. @throws CoseReceiptError `RECEIPT_MALFORMED` */
export function readWhole(bytes: Uint8Array, offset = 0): CborValue {
  try {
    const { value, next } = readCbor(bytes, offset);
    if (next === bytes.length) return value;
  } catch (error) {
    if (!(error instanceof CborError)) throw error;
    throw new CoseReceiptError('RECEIPT_MALFORMED', error.message, { cause: error });
  }
  throw malformed('nothing after a CBOR item');
}

export function asArray(value: CborValue | undefined, length: number): CborValue[] {
  if (!Array.isArray(value) || value.length !== length) throw malformed(`an array of ${length}`);
  return value;
}

export function asMap(value: CborValue | undefined): CborMap {
  if (!(value instanceof Map)) throw malformed('a map');
  return value;
}

export function asBytes(value: CborValue | undefined, length?: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw malformed('a byte string');
  if (length !== undefined && value.length !== length) {
    throw malformed(`a byte string of ${length}`);
  }
  return value;
}

/** @throws CoseReceiptError `RECEIPT_HEADER` for a label that is not among the known ones */
export function assertLabels(map: CborMap, known: readonly number[]): void {
  for (const label of map.keys()) {
    if (typeof label !== 'number' || !known.includes(label)) {
      throw new CoseReceiptError('RECEIPT_HEADER', `expected the labels ${known.join(', ')} only`);
    }
  }
}

export function malformed(expected: string): CoseReceiptError {
  return new CoseReceiptError('RECEIPT_MALFORMED', `COSE receipt: expected ${expected}`);
}
