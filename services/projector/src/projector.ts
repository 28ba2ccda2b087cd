import type { AuthorityState } from '@countersign/binding';
import type { Broker, StoredRecord } from '@countersign/broker';
import { parseEntry } from '@countersign/binding';
import type { JsonObject, VerifySignature } from '@countersign/canonical';
import type { Descriptor } from '@countersign/descriptors';
import { LogReader, type SealedHead } from '@countersign/log-reader';
import type { LogPosition, ReadModels, RowChange } from '@countersign/store';
import { authorityAfter } from './authority-chain.ts';
import { evidenceOf } from './evidence.ts';
import { follow, type FollowerClock } from './follower.ts';
import { LogProofs } from './log-proof.ts';
import { ProjectorError } from './projector-error.ts';
import { actionIdOf, projectEntry, type SealedEntry } from './row-changes.ts';
import {
  answerGroup,
  answerGroups,
  answered,
  receiptOf,
  sealedEntries,
  sealedEntry,
  type InputAnswer,
} from './sealed-answer.ts';
import { sideRows } from './side-rows.ts';
import { WaitingRoom } from './waiting-room.ts';

/** An input and what follows from it at once: a few entries at most. */
const ANSWER_ENTRIES_MAX = 8;

export interface ProjectorOptions {
  readonly broker: Broker;
  readonly store: ReadModels;
  readonly clock: FollowerClock;
  readonly verifySignature: VerifySignature;
  readonly origin: string;
  readonly logKeys: readonly string[];
  /** All action types that this build can show. */
  readonly descriptors: readonly Descriptor[];
  /** Of all topics of the shard. */
  readonly partition?: number;
}

export interface ProjectorStatus {
  readonly state: 'starting' | 'following' | 'stopped';
  /** Entries under the newest signed head that was seen. */
  readonly sealedSize: number;
  /** Entries that the store holds. */
  readonly storedSize: number;
  readonly waiters: number;
  readonly code?: string;
}

/**
 * Follows the log of a shard into the read models, and tells those who wait as soon as a signed head
 * covers what they wait for. Nothing it says needs to be believed: it hands out receipts.
 */
export class Projector {
  readonly proofs: LogProofs;
  readonly #options: ProjectorOptions;
  readonly #store: ReadModels;
  readonly #inputs = new WaitingRoom<InputAnswer>();
  readonly #actions = new WaitingRoom<number>();
  readonly #stored = new WaitingRoom<number>();
  /** Sealed and not yet in the store: who asks meanwhile is answered from here. */
  readonly #fresh = new Map<string, () => InputAnswer>();
  #reader: LogReader | undefined;
  #authority: AuthorityState | undefined;
  #storedSize = 0;
  #storedOffset = 0;
  #state: ProjectorStatus['state'] = 'starting';
  #code: string | undefined;
  #isStopping = false;
  #committing: Promise<void> = Promise.resolve();

  constructor(options: ProjectorOptions) {
    this.#options = options;
    this.#store = options.store;
    this.proofs = new LogProofs(options.store);
  }

  get status(): ProjectorStatus {
    return {
      state: this.#state,
      sealedSize: this.#reader?.sealedSize ?? 0,
      storedSize: this.#storedSize,
      waiters: this.#inputs.count + this.#actions.count + this.#stored.count,
      ...(this.#code !== undefined && { code: this.#code }),
    };
  }

  /**
   * Follows until it is stopped.
   *
   * @throws LedgerError EQUIVOCATION, LOG_ROLLBACK, LOG_CORRUPT: the log is not to be trusted any more;
   * BrokerError, StoreError: an adapter has given up
   */
  async run(): Promise<void> {
    try {
      const position = await this.#open();
      const content = await this.#store.sidePosition('content');
      const quarantine = await this.#store.sidePosition('quarantine');
      this.#state = 'following';
      await this.#followAll({ log: position?.nextOffset ?? 0, content, quarantine });
      await this.#committing;
    } catch (error) {
      this.#code = codeOf(error);
      throw error;
    } finally {
      this.#isStopping = true;
      this.#state = 'stopped';
    }
  }

  stop(): void {
    this.#isStopping = true;
  }

  /**
   * Drops the read models; the next run builds them again from the log and the content that is left.
   * Stopping right after it loses nothing: an empty store is built from the beginning.
   *
   * @throws ProjectorError PROJECTOR_RUNNING
   */
  async rebuild(): Promise<void> {
    if (this.#state === 'following') {
      throw new ProjectorError('PROJECTOR_RUNNING', 'expected a projector that does not run');
    }
    await this.#store.clear();
  }

  /** Answers what came of an input, or undefined when nothing did in time. */
  async waitForInput(digest: string, timeoutMs: number): Promise<InputAnswer | undefined> {
    const { arrived, leave } = this.#inputs.join(digest, timeoutMs);
    try {
      return this.#fresh.get(digest)?.() ?? (await this.#storedAnswer(digest)) ?? (await arrived);
    } finally {
      leave();
    }
  }

  /** Answers the index of the newest stored entry about an action once it is beyond `since`. */
  async waitForAction(
    action: { readonly tenant: string; readonly actionId: string; readonly since: number },
    timeoutMs: number,
  ): Promise<number | undefined> {
    const { tenant, actionId, since } = action;
    const key = keyOf(tenant, actionId);
    const { arrived, leave } = this.#actions.join(key, timeoutMs, (index) => index > since);
    try {
      const row = await this.#store.action(tenant, actionId);
      return row !== undefined && row.lastIndex > since ? row.lastIndex : await arrived;
    } finally {
      leave();
    }
  }

  /** Whether the store holds that many entries in time: for a reader who wants what was just answered. */
  async waitForStored(size: number, timeoutMs: number): Promise<boolean> {
    const { arrived, leave } = this.#stored.join(String(size), timeoutMs);
    try {
      return this.#storedSize >= size || (await arrived) !== undefined;
    } finally {
      leave();
    }
  }

  /**
   * Everything that proves the binding of an action, ready for a verifier without a network.
   *
   * @throws ProjectorError NOT_FOUND, NOT_SEALED
   */
  async evidence(tenant: string, actionId: string): Promise<JsonObject> {
    const { store, origin, descriptors } = this.#options;
    return evidenceOf({ store, origin, descriptors, proofs: this.proofs }, { tenant, actionId });
  }

  /** Where to go on reading the log; with what the entries before that have built up. */
  async #open(): Promise<LogPosition | undefined> {
    const { origin, logKeys, verifySignature } = this.#options;
    const resume = await this.#store.logPosition();
    const rootAt = (size: number): Promise<Uint8Array | undefined> => this.proofs.rootAt(size);
    this.#reader = new LogReader({
      origin,
      logKeys,
      verifySignature,
      rootAt,
      ...(resume !== undefined && { resume }),
    });
    this.#storedSize = resume?.size ?? 0;
    this.#storedOffset = resume?.nextOffset ?? 0;
    this.#authority = undefined;
    if (resume !== undefined) await this.#restoreAuthority(resume.size);
    return resume;
  }

  async #restoreAuthority(size: number): Promise<void> {
    const types = ['ledger-founded', 'authority-changed'];
    for (const { bytes } of await this.#store.entriesOfType(types, size - 1)) {
      this.#authority = authorityAfter(this.#authority, parseEntry(bytes));
    }
  }

  /** One that fails stops the others, so that none goes on alone. */
  async #followAll(
    from: Readonly<Record<'log' | 'content' | 'quarantine', number>>,
  ): Promise<void> {
    const following = [
      this.#follow('log', from.log),
      this.#follow('content', from.content),
      this.#follow('quarantine', from.quarantine),
    ];
    try {
      await Promise.all(following);
    } finally {
      this.#isStopping = true;
      await Promise.allSettled(following);
    }
  }

  async #follow(topic: 'log' | 'content' | 'quarantine', from: number): Promise<void> {
    const { broker, clock, partition = 0 } = this.#options;
    await follow(
      {
        broker,
        clock,
        tp: { topic, partition },
        isStopped: () => this.#isStopping,
        take: (records, from) =>
          topic === 'log' ? this.#takeLog(records) : this.#takeSide(topic, records, from),
      },
      from,
    );
  }

  async #takeLog(records: readonly StoredRecord[]): Promise<number> {
    const reader = this.#reader;
    if (reader === undefined) throw new ProjectorError('PROJECTOR_STOPPED', 'expected a reader');
    const rows: RowChange[] = [];
    const sealed: SealedEntry[] = [];
    let last: SealedHead | undefined;
    for (const record of records) {
      const event = await reader.read(record);
      if (event?.kind !== 'sealed') continue;
      last = event;
      const entries = sealedEntries(event);
      // Those who wait are told before anything is stored: a receipt is proof enough by itself.
      this.#announce(entries, event);
      sealed.push(...entries);
      rows.push(...this.#project(entries, event));
    }
    if (last !== undefined) await this.#commit({ rows, sealed, head: last });
    return reader.nextOffset;
  }

  #project(entries: readonly SealedEntry[], head: SealedHead): RowChange[] {
    const rows: RowChange[] = [];
    for (const sealed of entries) {
      const projected = projectEntry(sealed, this.#authority);
      this.#authority = projected.authority;
      rows.push(...projected.rows);
    }
    for (const { nodes } of head.batches) {
      for (const row of nodes) if (row.level > 0) rows.push({ change: 'node', row });
    }
    rows.push({ change: 'checkpoint', size: head.size, note: head.note });
    return rows;
  }

  #announce(entries: readonly SealedEntry[], head: SealedHead): void {
    for (const [digest, group] of answerGroups(entries)) {
      const answer = (): InputAnswer => ({
        kind: 'sealed',
        entries: group.map((sealed) => answered(sealed, receiptOf(sealed.index, head))),
      });
      this.#fresh.set(digest, answer);
      if (this.#inputs.has(digest)) this.#inputs.settle(digest, answer());
    }
  }

  /**
   * Rows and position in one transaction. Stopping before it: the records are read again. Stopping after it:
   * they are not. At most one commit is under way while the next records are read and announced.
   */
  async #commit(work: {
    readonly rows: readonly RowChange[];
    readonly sealed: readonly SealedEntry[];
    readonly head: SealedHead;
  }): Promise<void> {
    const { rows, sealed, head } = work;
    await this.#committing;
    const log = { from: this.#storedOffset, to: head.resume };
    this.#committing = this.#store.apply({ rows, log }).then(() => {
      this.#storedOffset = head.resume.nextOffset;
      this.#storedSize = head.size;
      this.#settleStored(sealed);
    });
    // Ends the run, which then awaits the commit and throws what it failed with.
    this.#committing.catch(() => {
      this.#isStopping = true;
    });
  }

  #settleStored(sealed: readonly SealedEntry[]): void {
    for (const { entry, index } of sealed) {
      if ('input' in entry) this.#fresh.delete(entry.input);
      const actionId = actionIdOf(entry);
      if (actionId !== null) this.#actions.settle(keyOf(entry.tenant, actionId), index);
    }
    for (const size of this.#stored.keys) {
      if (Number(size) <= this.#storedSize) this.#stored.settle(size, this.#storedSize);
    }
  }

  async #takeSide(
    topic: 'content' | 'quarantine',
    records: readonly StoredRecord[],
    from: number,
  ): Promise<number> {
    const next = (records.at(-1)?.offset ?? -1) + 1;
    const rows = records.flatMap((record) => sideRows(topic, record));
    await this.#store.apply({ rows, side: [{ topic, from, to: next }] });
    for (const row of rows) await this.#settleSide(row);
    return next;
  }

  async #settleSide(row: RowChange): Promise<void> {
    if (row.change === 'quarantined') {
      this.#inputs.settle(row.digest, { kind: 'quarantined', code: row.code });
    } else if (row.change === 'input' && this.#inputs.has(row.digest)) {
      const answer = await this.#storedAnswer(row.digest);
      if (answer !== undefined) this.#inputs.settle(row.digest, answer);
    }
  }

  async #storedAnswer(digest: string): Promise<InputAnswer | undefined> {
    const outcome = await this.#store.input(digest);
    if (outcome === undefined) return undefined;
    if (outcome.kind === 'quarantined') return outcome;
    const rows = await this.#store.entries(outcome.index, ANSWER_ENTRIES_MAX);
    const checkpoint = await this.#store.checkpoint();
    if (checkpoint === undefined) return undefined;
    const group = answerGroup(rows.filter((row) => row.index < checkpoint.size).map(sealedEntry));
    const entries = await Promise.all(
      group.map(async (sealed) => answered(sealed, await this.proofs.receipt(sealed.index))),
    );
    return { kind: 'sealed', entries };
  }
}

function keyOf(tenant: string, actionId: string): string {
  return `${tenant}/${actionId}`;
}

function codeOf(error: unknown): string {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  return hasCode && typeof error.code === 'string' ? error.code : 'UNKNOWN';
}
