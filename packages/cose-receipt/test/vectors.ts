import { readFileSync } from 'node:fs';

const FOLDER = new URL('../../../test/vectors/tlog/', import.meta.url);

export interface ReceiptVector {
  alg: 'EdDSA' | 'ES256';
  size: number;
  index: number;
  entry_hex: string;
  root_hex: string;
  receipt_hex: string;
  protected_hex: string;
  sig_structure_hex: string;
  signature_hex: string;
  proof_cbor_hex: string;
}

interface CoseReceiptVectors {
  public_keys_pem: Record<ReceiptVector['alg'], string>;
  receipts: ReceiptVector[];
}

export const coseReceipts = read('cose-receipts.json') as CoseReceiptVectors;

function read(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'));
}
