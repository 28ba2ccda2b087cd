import { readFileSync } from 'node:fs';

const FOLDER = new URL('../../../test/vectors/tlog/', import.meta.url);

interface MerkleVectors {
  leaf_hashes: { index: number; entry_hex: string; leaf_hash: string }[];
  roots: { size: number; root: string }[];
  inclusion: { index: number; size: number; proof: string[] }[];
  consistency: { from: number; to: number; proof: string[] }[];
  must_refuse: (
    | {
        kind: 'inclusion';
        why: string;
        index: number;
        size: number;
        leaf_hash: string;
        root: string;
        proof: string[];
      }
    | {
        kind: 'consistency';
        why: string;
        from: number;
        to: number;
        from_root: string;
        to_root: string;
        proof: string[];
      }
  )[];
}

interface KeyVector {
  name: string;
  type: number;
  key_id: string;
  vkey: string;
}

interface NoteVectors {
  text: string;
  signed_by_both: string;
  ed25519_signature: string;
  ecdsa_signature: string;
  keys: {
    cosigner_ed25519: KeyVector;
    cosigner_mldsa44: KeyVector;
    ecdsa_p256: KeyVector & { spki_hex: string };
    ed25519: KeyVector & { public_hex: string };
  };
  cases: { why: string; note: string; ok: boolean; verified?: number; unverified?: number }[];
}

interface CheckpointVectors {
  origin: string;
  timestamp: number;
  checkpoints: { size: number; checkpoint: string }[];
  cosigned: {
    body: string;
    checkpoint: string;
    checkpoint_with_mldsa44: string;
    cosignature_v1_message: string;
  };
  parse: { why: string; text: string; torchwood_ok: boolean }[];
}

interface TlogProofVectors {
  log_vkey: string;
  witness_vkey: string;
  proofs: { file: string; entry_hex: string; index: number; size: number }[];
  must_refuse: { file: string; entry_hex: string; why: string }[];
}

interface TileVectors {
  paths: { n: number; tile_level_0: string; tile_level_1_width_17: string; entries: string }[];
  trees: {
    size: number;
    root: string;
    tiles_in_all: number;
    resources: { path: string; width: number; sha256: string; bytes?: number }[];
  }[];
  bundle_of_5: { path: string; hex: string };
  hash_tile_of_5: { path: string; hex: string };
  entry_size_limit: number;
}

interface WitnessVectors {
  log_vkey: string;
  origin_hash: string;
  steps: { why: string; body: string; status: number; response?: string; content_type?: string }[];
}

export const merkle = read('merkle.json') as MerkleVectors;
export const notes = read('notes.json') as NoteVectors;
export const checkpoints = read('checkpoints.json') as CheckpointVectors;
export const tlogProofs = read('tlogproof.json') as TlogProofVectors;
export const tiles = read('tiles.json') as TileVectors;
export const witness = read('witness.json') as WitnessVectors;

function read(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'));
}

/** Entry i of the trees of the vectors. */
export function entryAt(index: number): Uint8Array {
  if (index === 3) return new Uint8Array(0);
  if (index === 5) return new Uint8Array(300).fill(0xff);
  return new Uint8Array(Buffer.from(`entry-${index}`));
}

export function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
