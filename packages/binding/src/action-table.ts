import { digestOf, type Digest } from '@countersign/canonical';
import { isForgettable, isIdExpired, type ActionRecord } from './action-record.ts';
import { PackedAction, recordDigest, rememberedBytes } from './remembered-action.ts';

type Slot = ActionRecord | PackedAction;
/** The text of a record, made when it is wanted. */
export interface KeptAction {
  readonly bytes: () => Uint8Array;
}

type Bucket = ReadonlyMap<string, Slot>;

const NO_RECORDS: Bucket = new Map();

/** What the characters of a ULID are. */
const ALPHABET = Array.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ');
/** The last two characters of an id. */
const GROUPS = ALPHABET.flatMap((first) => ALPHABET.map((second) => first + second));

/** The last characters of a ULID are random: 1,024 groups of 32 buckets, each of about the same size. */
function bucketOf(actionId: string): string {
  return actionId.slice(-3);
}

function groupOf(bucket: string): string {
  return bucket.slice(-2);
}

/**
 * All remembered actions by id, with drafts like DraftMap, and with a digest that costs in proportion to
 * what changed: one digest a bucket, and one a group. schemas/formats/entries.md §7.
 */
export class ActionTable {
  readonly #below: ActionTable | undefined;
  readonly #own: Map<string, Map<string, Slot | undefined>> = new Map();
  readonly #ownGroups: Set<string> = new Set();
  /** Of the lowest table only: by bucket, and by group. */
  readonly #digests: Map<string, Digest> = new Map();
  /** Of the lowest table only, once somebody wants to know: ids of what changed. */
  #changed: Set<string> | undefined;

  constructor(below?: ActionTable) {
    this.#below = below;
  }

  get(id: string): ActionRecord | undefined {
    const own = this.#own.get(bucketOf(id));
    const slot = own?.get(id);
    if (slot instanceof PackedAction) return slot.unpack();
    if (slot !== undefined || this.#below === undefined) return slot;
    return own?.has(id) === true ? undefined : this.#below.get(id);
  }

  set(record: ActionRecord): void {
    this.#put(record.id, record);
  }

  delete(id: string): void {
    this.#put(id, undefined);
  }

  /** Of the lowest table: takes up a record where an earlier process left it. False if it is there already. */
  load(packed: PackedAction): boolean {
    if (this.#own.get(bucketOf(packed.id))?.has(packed.id) === true) return false;
    this.#put(packed.id, packed);
    return true;
  }

  #put(id: string, slot: Slot | undefined): void {
    const bucket = bucketOf(id);
    let own = this.#own.get(bucket);
    if (own === undefined) {
      own = new Map();
      this.#own.set(bucket, own);
      this.#ownGroups.add(groupOf(bucket));
    }
    if (slot === undefined && this.#below === undefined) own.delete(id);
    else own.set(id, slot);
    this.#digests.delete(bucket);
    this.#digests.delete(groupOf(bucket));
    this.#changed?.add(id);
  }

  commit(): void {
    const below = this.#below;
    if (below === undefined) return;
    for (const changes of this.#own.values()) {
      for (const [id, slot] of changes) below.#put(id, slot);
    }
    this.#own.clear();
    this.#ownGroups.clear();
  }

  /**
   * Of the lowest table: the records that changed since this was last asked, undefined for those that are gone;
   * all of them the first time. `forgotten` are gone only since: they count as there now, and as gone next time.
   */
  takeChanges(forgotten: readonly ActionRecord[]): Map<string, KeptAction | undefined> {
    const ids = this.#changed ?? [...this.#slots()].map(({ id }) => id);
    const changes = new Map<string, KeptAction | undefined>();
    for (const id of ids) changes.set(id, keptAction(this.#own.get(bucketOf(id))?.get(id)));
    for (const record of forgotten) changes.set(record.id, keptAction(record));
    this.#changed = new Set(forgotten.map(({ id }) => id));
    return changes;
  }

  forgetChanges(): void {
    this.#changed = undefined;
  }

  /** Of the lowest table: what is there now needs no mention among the changes. */
  noteKept(): void {
    this.#changed = new Set();
  }

  /** Digest of each group that holds something, by the two characters that its ids end in. */
  groupDigests(): ReadonlyMap<string, Digest> {
    const digests = new Map<string, Digest>();
    for (const group of GROUPS) {
      const digest = this.#groupDigest(group);
      if (digest !== undefined) digests.set(group, digest);
    }
    return digests;
  }

  /** Whose id may be used no more, and which no rule looks at. */
  forgettable(nowMs: number): ActionRecord[] {
    const old: ActionRecord[] = [];
    for (const slot of this.#slots()) {
      if (!isIdExpired(slot.id, nowMs)) continue;
      const record = slot instanceof PackedAction ? slot.unpack() : slot;
      if (isForgettable(record, nowMs)) old.push(record);
    }
    return old;
  }

  *#slots(): Generator<Slot> {
    for (const bucket of this.#bucketNames()) yield* this.#records(bucket).values();
  }

  #bucketNames(): Set<string> {
    const below = this.#below;
    const names = below === undefined ? new Set<string>() : below.#bucketNames();
    for (const name of this.#own.keys()) names.add(name);
    return names;
  }

  #groupDigest(group: string): Digest | undefined {
    const below = this.#below;
    if (below !== undefined && !this.#ownGroups.has(group)) return below.#groupDigest(group);
    const known = this.#digests.get(group);
    if (known !== undefined) return known;
    const buckets: Digest[] = [];
    for (const first of ALPHABET) {
      const digest = this.#bucketDigest(first + group);
      if (digest !== undefined) buckets.push(digest);
    }
    if (buckets.length === 0) return undefined;
    const digest = digestOf('countersign/state/v1', buckets);
    if (below === undefined) this.#digests.set(group, digest);
    return digest;
  }

  #bucketDigest(bucket: string): Digest | undefined {
    const below = this.#below;
    if (below !== undefined && !this.#own.has(bucket)) return below.#bucketDigest(bucket);
    const known = this.#digests.get(bucket);
    if (known !== undefined) return known;
    const records = [...this.#records(bucket).values()];
    if (records.length === 0) return undefined;
    const sorted = records.sort((a, b) => (a.id < b.id ? -1 : 1)).map(slotDigest);
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
    for (const [id, slot] of own) {
      if (slot === undefined) merged.delete(id);
      else merged.set(id, slot);
    }
    return merged;
  }
}

function slotDigest(slot: Slot): Digest {
  return slot instanceof PackedAction ? slot.digest : recordDigest(slot);
}

function keptAction(slot: Slot | undefined): KeptAction | undefined {
  if (slot === undefined) return undefined;
  return { bytes: () => (slot instanceof PackedAction ? slot.bytes : rememberedBytes(slot)) };
}
