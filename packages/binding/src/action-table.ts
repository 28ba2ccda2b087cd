import { digestOf, type Digest } from '@countersign/canonical';
import { recordDigest, type ActionRecord } from './action-record.ts';

type Bucket = ReadonlyMap<string, ActionRecord>;

const NO_RECORDS: Bucket = new Map();

/** The last two characters of a ULID are ten random bits: 1,024 buckets of about the same size. */
function bucketOf(actionId: string): string {
  return actionId.slice(-2);
}

/**
 * All remembered actions by id, with drafts like DraftMap, and with a digest that costs in proportion to
 * what changed: one digest a bucket. schemas/formats/entries.md §7.
 */
export class ActionTable {
  readonly #below: ActionTable | undefined;
  readonly #own: Map<string, Map<string, ActionRecord | undefined>> = new Map();
  /** Of the lowest table only. */
  readonly #digests: Map<string, Digest> = new Map();

  constructor(below?: ActionTable) {
    this.#below = below;
  }

  get(id: string): ActionRecord | undefined {
    const own = this.#own.get(bucketOf(id));
    const record = own?.get(id);
    if (record !== undefined || this.#below === undefined) return record;
    return own?.has(id) === true ? undefined : this.#below.get(id);
  }

  set(record: ActionRecord): void {
    this.#put(record.id, record);
  }

  delete(id: string): void {
    this.#put(id, undefined);
  }

  #put(id: string, record: ActionRecord | undefined): void {
    const bucket = bucketOf(id);
    let own = this.#own.get(bucket);
    if (own === undefined) {
      own = new Map();
      this.#own.set(bucket, own);
    }
    if (record === undefined && this.#below === undefined) own.delete(id);
    else own.set(id, record);
    this.#digests.delete(bucket);
  }

  commit(): void {
    const below = this.#below;
    if (below === undefined) return;
    for (const changes of this.#own.values()) {
      for (const [id, record] of changes) below.#put(id, record);
    }
    this.#own.clear();
  }

  /** Digest of each bucket that holds something, by the two characters that its ids end in. */
  bucketDigests(): ReadonlyMap<string, Digest> {
    const digests = new Map<string, Digest>();
    for (const bucket of [...this.#bucketNames()].sort()) {
      const digest = this.#bucketDigest(bucket);
      if (digest !== undefined) digests.set(bucket, digest);
    }
    return digests;
  }

  *records(): Generator<ActionRecord> {
    for (const bucket of this.#bucketNames()) yield* this.#records(bucket).values();
  }

  #bucketNames(): Set<string> {
    const below = this.#below;
    const names = below === undefined ? new Set<string>() : below.#bucketNames();
    for (const name of this.#own.keys()) names.add(name);
    return names;
  }

  #bucketDigest(bucket: string): Digest | undefined {
    const below = this.#below;
    if (below !== undefined && !this.#own.has(bucket)) return below.#bucketDigest(bucket);
    const known = this.#digests.get(bucket);
    if (known !== undefined) return known;
    const records = [...this.#records(bucket).values()];
    if (records.length === 0) return undefined;
    const sorted = records.sort((a, b) => (a.id < b.id ? -1 : 1)).map(recordDigest);
    const digest = digestOf('countersign/state/v1', sorted);
    if (below === undefined) this.#digests.set(bucket, digest);
    return digest;
  }

  #records(bucket: string): Bucket {
    const own = this.#own.get(bucket);
    const under = this.#below;
    const below = under === undefined ? NO_RECORDS : under.#records(bucket);
    if (own === undefined) return below;
    const merged = new Map(below);
    for (const [id, record] of own) {
      if (record === undefined) merged.delete(id);
      else merged.set(id, record);
    }
    return merged;
  }
}
