import { parseEntry, type Entry, type Leaf } from '@countersign/binding';
import type { StoredRecord, TopicPartition } from '@countersign/broker';
import { fromUtf8 } from '@countersign/canonical';
import { parseCheckpoint, parseNote, parseTlogProof, rootFromInclusion } from '@countersign/tlog';
import { WireError, decodeLogRecord, type Batch, type BindingSealed } from '@countersign/wire';
import { hold } from './invariant-broken.ts';
import { PlainTree, plainLeaf, plainRoot } from './plain-tree.ts';

export interface OracleEntry {
  readonly entry: Entry;
  readonly bytes: Uint8Array;
  readonly index: number;
  readonly leaf: Leaf;
}

export interface LogWatcher {
  /** One accepted entry, in its place. */
  accept(entry: OracleEntry): void;
  /** All entries of one accepted batch have been told. */
  batchAccepted(batch: Batch): void;
}

/**
 * Reads the log topic record by record as it becomes durable, by its own reading of schemas/formats/log.md,
 * and sees every signature that the log key ever makes: so a head that was signed and lost is known too.
 */
export class LogOracle {
  readonly entries: OracleEntry[] = [];
  readonly #origin: string;
  readonly #watcher: LogWatcher;
  readonly #roots = new Map<number, string>();
  readonly #signed = new Map<number, string>();
  readonly #publishedBindings = new Set<number>();
  #tree = new PlainTree();
  sealedSize = 0;
  batches = 0;
  /** Batches that were no successor: somebody lost a race, or was late. */
  lostBatches = 0;

  constructor(origin: string, watcher: LogWatcher) {
    this.#origin = origin;
    this.#watcher = watcher;
    this.#roots.set(0, this.#tree.root().toString('hex'));
  }

  get size(): number {
    return this.#tree.size;
  }

  /** The tree as it is, to go on from. */
  get tree(): PlainTree {
    return this.#tree.clone();
  }

  rootAt(size: number): string | undefined {
    return this.#roots.get(size);
  }

  stored(tp: TopicPartition, records: readonly StoredRecord[]): void {
    if (tp.topic !== 'log') return;
    for (const { value } of records) {
      if (value !== null) this.#read(value);
    }
  }

  /** The log key signs this. */
  signs(message: Uint8Array): void {
    const { origin, size, root } = parseCheckpoint(fromUtf8(message));
    hold(origin === this.#origin, 'SIGNED_NOT_HELD', `signed for ${origin}`);
    const hex = Buffer.from(root).toString('hex');
    const before = this.#signed.get(size);
    hold(before === undefined || before === hex, 'FORKED', `two signed heads of size ${size}`);
    this.#signed.set(size, hex);
    const held = this.#roots.get(size);
    hold(held === hex, 'SIGNED_NOT_HELD', `signed size ${size}, the log ends at ${this.size}`);
  }

  /** Everything accepted is signed and published. */
  assertSealed(): void {
    hold(this.sealedSize === this.size, 'UNSEALED', `sealed ${this.sealedSize} of ${this.size}`);
    const root = plainRoot(this.entries.map(({ bytes }) => plainLeaf(bytes))).toString('hex');
    hold(root === this.rootAt(this.size), 'READERS_DIFFER', 'the root is not that of the entries');
  }

  #read(value: Uint8Array): void {
    let record: ReturnType<typeof decodeLogRecord>;
    try {
      record = decodeLogRecord(value);
    } catch (error) {
      if (error instanceof WireError) return;
      throw error;
    }
    switch (record.kind) {
      case 'batch':
        this.#readBatch(record);
        return;
      case 'checkpoint':
        this.#readCheckpoint(record.note);
        return;
      case 'binding':
        this.#readBinding(record);
    }
  }

  #readBatch(batch: Batch): void {
    const isNext =
      batch.origin === this.#origin &&
      batch.sizeBefore === this.size &&
      Buffer.from(batch.rootBefore).toString('hex') === this.rootAt(this.size) &&
      batch.entries.length > 0 &&
      batch.sizeAfter === batch.sizeBefore + batch.entries.length;
    const tree = this.#tree.clone();
    for (const bytes of batch.entries) tree.append(plainLeaf(bytes));
    const root = tree.root().toString('hex');
    if (!isNext || root !== Buffer.from(batch.rootAfter).toString('hex')) {
      this.lostBatches += 1;
      return;
    }
    this.#tree = tree;
    this.#roots.set(tree.size, root);
    this.batches += 1;
    for (const bytes of batch.entries) {
      const entry = {
        entry: parseEntry(bytes),
        bytes,
        index: this.entries.length,
        leaf: `sha256:${plainLeaf(bytes).toString('hex')}` as const,
      };
      this.entries.push(entry);
      this.#watcher.accept(entry);
    }
    this.#watcher.batchAccepted(batch);
  }

  #readCheckpoint(note: string): void {
    const { size, root } = parseCheckpoint(parseNote(note).text);
    const hex = Buffer.from(root).toString('hex');
    hold(this.#signed.get(size) === hex, 'FORGED', `a checkpoint of ${size} that nobody signed`);
    hold(this.rootAt(size) === hex, 'DERIVED_NOT_ACCEPTED', `a checkpoint of ${size}`);
    for (const { entry, index } of this.entries.slice(this.sealedSize, size)) {
      const isThere = entry.type !== 'binding-made' || this.#publishedBindings.has(index);
      hold(isThere, 'DERIVED_MISSING', `binding ${index} is not published before its checkpoint`);
    }
    this.sealedSize = Math.max(this.sealedSize, size);
  }

  #readBinding({ index, entry, receipt }: BindingSealed): void {
    const accepted = this.entries[index];
    const isAccepted =
      accepted?.entry.type === 'binding-made' &&
      Buffer.from(accepted.bytes).equals(Buffer.from(entry));
    hold(isAccepted, 'DERIVED_NOT_ACCEPTED', `a binding at ${index}`);
    const proof = parseTlogProof(receipt);
    const { size, root } = parseCheckpoint(parseNote(proof.checkpoint).text);
    const isHeld = this.rootAt(size) === Buffer.from(root).toString('hex') && proof.index === index;
    hold(isHeld, 'DERIVED_NOT_ACCEPTED', `a receipt for ${index} under another head`);
    const leafHash = plainLeaf(accepted.bytes);
    const proven = rootFromInclusion({ index, size, leafHash, proof: proof.proof });
    const isProven = Buffer.from(proven).equals(Buffer.from(root));
    hold(isProven, 'DERIVED_NOT_ACCEPTED', `a receipt for ${index} that proves nothing`);
    this.#publishedBindings.add(index);
  }
}
