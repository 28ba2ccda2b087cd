export { readCbor, type CborItem, type CborValue } from './cbor.ts';
export { writeCbor } from './write-cbor.ts';
export { CborError } from './cbor-error.ts';
