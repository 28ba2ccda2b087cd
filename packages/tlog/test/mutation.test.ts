import { describe, expect, it } from 'vitest';
import {
  CompactRange,
  MemoryTree,
  TlogError,
  formatCheckpoint,
  formatEntryBundle,
  formatTlogProof,
  hashLeaf,
  hashTileBytes,
  inclusionProof,
  parseEntryBundle,
  parseVerifierKey,
  signNote,
  tilesOfTree,
  verifyTlogProof,
  type Tile,
} from '../src/index.ts';
import { MUTATIONS, SEED, mutated, randomOf } from './mutation.ts';
import { ed25519Key, signerOf, verifySignature } from './node-keys.ts';

const ORIGIN = 'ledger.example/hitl-binding';
const SIZE = 300;
const signer = signerOf(ORIGIN, ed25519Key(1));
const entries = Array.from({ length: SIZE }, (_, index) => Buffer.from(`{"entry":${index}}`));
const tree = new MemoryTree();
for (const entry of entries) tree.append(hashLeaf(entry));

async function codeOf(check: () => Promise<void> | void): Promise<string> {
  try {
    await check();
  } catch (error) {
    if (error instanceof TlogError) return error.code;
    throw error;
  }
  return 'accepted';
}

/** Every hash tile holds the hashes of the one below it, the lowest those of the entries, and all of it leads to the root. */
function audit(bytesOf: (tile: Tile) => Uint8Array): void {
  const levels: Uint8Array[][] = [];
  const leaves: Uint8Array[] = [];
  for (const tile of tilesOfTree(SIZE)) {
    const bytes = bytesOf(tile);
    if (tile.level === 'entries') {
      leaves.push(...parseEntryBundle(bytes, tile.width).map((entry) => hashLeaf(entry)));
      continue;
    }
    if (bytes.length !== tile.width * 32) throw new TlogError('PROOF_LENGTH', 'a tile');
    const hashes = (levels[tile.level] ??= []);
    for (let at = 0; at < bytes.length; at += 32) hashes.push(bytes.slice(at, at + 32));
  }
  expectSame(levels[0] ?? [], leaves);
  for (const [level, hashes] of levels.entries()) {
    const full = Math.floor(hashes.length / 256);
    const above = Array.from({ length: full }, (_, at) =>
      rootOf(hashes.slice(at * 256, (at + 1) * 256)),
    );
    expectSame(levels[level + 1] ?? [], above);
  }
  expectSame([rootOf(leaves)], [tree.root()]);
}

function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  const range = CompactRange.empty();
  for (const hash of hashes) range.append(hash);
  return range.root();
}

function expectSame(got: readonly Uint8Array[], expected: readonly Uint8Array[]): void {
  const isSame = Buffer.concat(got).equals(Buffer.concat(expected));
  if (!isSame) throw new TlogError('PROOF_ROOT', 'expected other hashes');
}

describe('of wrong copies, none is accepted', () => {
  it(`G01: of ${MUTATIONS} receipts, each with a reason`, { timeout: 600_000 }, async () => {
    const random = randomOf(SEED);
    const checkpoint = await signNote(
      formatCheckpoint({ origin: ORIGIN, size: SIZE, root: tree.root() }),
      [signer],
    );
    const codes = new Map<string, number>();
    for (let count = 0; count < MUTATIONS; count += 1) {
      const index = random(SIZE);
      const proof = inclusionProof(index, SIZE, tree.node);
      const text = formatTlogProof({ index, proof, checkpoint });
      const { how, bytes } = mutated(Buffer.from(text), random);
      const code = await codeOf(async () => {
        await verifyTlogProof({
          text: Buffer.from(bytes).toString(),
          leafHash: tree.node(0, index),
          origin: ORIGIN,
          verifiers: [parseVerifierKey(signer.vkey)],
          verifySignature,
        });
      });
      expect([SEED, count, how, code]).not.toEqual([SEED, count, how, 'accepted']);
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    for (const code of codes.keys()) {
      expect(code).toMatch(
        /^(?:TLOG_PROOF_FORMAT|PROOF_(?:ROOT|LENGTH|INDEX)|NOTE_(?:MALFORMED|SIGNATURE|UNSIGNED)|CHECKPOINT_(?:FORMAT|ORIGIN))$/,
      );
    }
  });

  it('G01: of tiles and bundles, each with a reason', { timeout: 600_000 }, async () => {
    const random = randomOf(SEED);
    const good = new Map([...tilesOfTree(SIZE)].map((tile) => [tile, tileBytes(tile)]));
    audit((tile) => bytesLike(good, tile));
    const tiles = [...good.keys()];
    const codes = new Set<string>();
    for (let count = 0; count < MUTATIONS / 10; count += 1) {
      const victim = tiles[random(tiles.length)] as Tile;
      const { how, bytes } = mutated(bytesLike(good, victim), random);
      const code = await codeOf(() => {
        audit((tile) => (isSameTile(tile, victim) ? bytes : bytesLike(good, tile)));
      });
      expect([SEED, count, how, code]).not.toEqual([SEED, count, how, 'accepted']);
      codes.add(code);
    }
    for (const code of codes) expect(code).toMatch(/^(?:PROOF_(?:ROOT|LENGTH)|ENTRY_BUNDLE)$/);
  });
});

function tileBytes(tile: Tile): Uint8Array {
  if (tile.level !== 'entries') return hashTileBytes(tile, tree.node);
  const start = tile.index * 256;
  return formatEntryBundle(entries.slice(start, start + tile.width));
}

function isSameTile(one: Tile, other: Tile): boolean {
  return one.level === other.level && one.index === other.index;
}

function bytesLike(good: ReadonlyMap<Tile, Uint8Array>, wanted: Tile): Uint8Array {
  for (const [tile, bytes] of good) if (isSameTile(tile, wanted)) return bytes;
  throw new Error('no such tile');
}
