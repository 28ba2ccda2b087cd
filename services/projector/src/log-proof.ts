import {
  consistencyProof,
  emptyRoot,
  formatTlogProof,
  inclusionProof,
  rootFromInclusion,
} from '@countersign/tlog';
import type { NodeReader } from '@countersign/tlog';
import { fromHex } from '@countersign/canonical';
import type { CheckpointRow, ReadModels } from '@countersign/store';
import { LogHeads, beyondLog } from './log-heads.ts';
import { ProjectorError } from './projector-error.ts';

const PLACEHOLDER = new Uint8Array(32);

type ProofStore = Pick<ReadModels, 'checkpoint' | 'checkpointWithin' | 'entries' | 'nodes'>;

type Proof = (reader: NodeReader) => Uint8Array[];

/** Proofs out of the stored nodes. Whoever gets one checks it: nothing here is trusted. */
export class LogProofs {
  readonly #store: ProofStore;
  readonly heads: LogHeads;

  constructor(store: ProofStore) {
    this.#store = store;
    this.heads = new LogHeads(store);
  }

  /** Of any size of the log, whether its head was signed or not. @throws ProjectorError SIZE_BEYOND_LOG, INDEX_BEYOND_SIZE */
  async inclusion(index: number, size: number): Promise<Uint8Array[]> {
    await this.#assertSize(size);
    assertWithin(index, size);
    return this.#prove((reader) => inclusionProof(index, size, reader));
  }

  /** Of any sizes of the log. @throws ProjectorError SIZE_BEYOND_LOG; TlogError PROOF_INDEX */
  async consistency(from: number, to: number): Promise<Uint8Array[]> {
    await this.#assertSize(to);
    return this.#prove((reader) => consistencyProof(from, to, reader));
  }

  /**
   * The receipt of an entry at the newest sealed head.
   *
   * @throws ProjectorError NOT_SEALED
   */
  async receipt(index: number): Promise<string> {
    const [receipt = ''] = await this.receipts([index]);
    return receipt;
  }

  /**
   * The receipts of several entries, all at the newest sealed head.
   *
   * @throws ProjectorError NOT_SEALED
   */
  async receipts(indexes: readonly number[]): Promise<string[]> {
    return this.receiptsUnder(await this.#store.checkpoint(), indexes);
  }

  /** Their receipts at this head. @throws ProjectorError NOT_SEALED */
  async receiptsUnder(
    checkpoint: CheckpointRow | undefined,
    indexes: readonly number[],
  ): Promise<string[]> {
    return Promise.all(
      indexes.map(async (index) => {
        if (checkpoint === undefined || index >= checkpoint.size) {
          throw new ProjectorError('NOT_SEALED', `entry ${index}: expected it under a signed head`);
        }
        const proof = await this.#prove((reader) => inclusionProof(index, checkpoint.size, reader));
        return formatTlogProof({ index, proof, checkpoint: checkpoint.note });
      }),
    );
  }

  /** The root at a size that need not be the end of a batch; undefined when the store does not reach it. */
  async rootAt(size: number): Promise<Uint8Array | undefined> {
    if (size === 0) return emptyRoot();
    const [last] = await this.#store.entries(size - 1, 1);
    if (last?.index !== size - 1) return undefined;
    const proof = await this.#prove((reader) => inclusionProof(size - 1, size, reader));
    const leafHash = fromHex(last.leaf.slice('sha256:'.length));
    return rootFromInclusion({ leafHash, index: size - 1, size, proof });
  }

  async #assertSize(size: number): Promise<void> {
    const { size: sealed } = await this.heads.newest();
    if (size > sealed) throw beyondLog(size, sealed);
  }

  /** Runs the proof once to learn which nodes it reads, fetches them together, and runs it on them. */
  async #prove(proof: Proof): Promise<Uint8Array[]> {
    const wanted: { level: number; index: number }[] = [];
    proof((level, index) => {
      wanted.push({ level, index });
      return PLACEHOLDER;
    });
    if (wanted.length === 0) return [];
    const rows = await this.#store.nodes(wanted);
    const hashes = new Map(rows.map((row) => [`${row.level}/${row.index}`, row.hash]));
    return proof((level, index) => {
      const hash = hashes.get(`${level}/${index}`);
      if (hash === undefined) {
        throw new ProjectorError('STORE_STALE', `expected node ${level}/${index} in the store`);
      }
      return hash;
    });
  }
}

function assertWithin(index: number, size: number): void {
  if (index < size) return;
  throw new ProjectorError(
    'INDEX_BEYOND_SIZE',
    `index: expected less than the size ${size}, got ${index}`,
  );
}
