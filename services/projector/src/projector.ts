import { RECONCILED_FINDINGS } from '@countersign/binding';
import type { Broker, StoredRecord } from '@countersign/broker';
import type { JsonObject, VerifySignature } from '@countersign/canonical';
import type { Descriptor } from '@countersign/descriptors';
import type { SealedHead } from '@countersign/log-reader';
import type { ReadModels, RowChange } from '@countersign/store';
import { follow, followIntoStore, type FollowerClock } from './follower.ts';
import type { EvidenceLevel } from './evidence.ts';
import { LogAnswers } from './log-answers.ts';
import { LogProjection } from './log-projection.ts';
import type { LogProofs } from './log-proof.ts';
import { LogWaiters, type ActionWait } from './log-waiters.ts';
import { ProjectorError } from './projector-error.ts';
import type { SealedEntry } from './row-changes.ts';
import { answerGroups, answered, receiptOf, type InputAnswer } from './sealed-answer.ts';
import { sideRows } from './side-rows.ts';
import { WritingTurn } from './writing-turn.ts';

export interface ProjectorOptions {
  readonly broker: Broker;
  readonly store: ReadModels;
  readonly clock: FollowerClock;
  readonly verifySignature: VerifySignature;
  readonly origin: string;
  /** Those that the log was founded with. */
  readonly logKeys: readonly string[];
  /** All action types that this build can show. */
  readonly descriptors: readonly Descriptor[];
  /** Of all topics of the shard. */
  readonly partition?: number;
}

export interface ProjectorStatus {
  /** `waiting-store`: the store is away, and is asked again; `code` says why. */
  readonly state: 'starting' | 'following' | 'waiting-store' | 'stopped';
  /** Entries under the newest signed head that was seen. */
  readonly sealedSize: number;
  /** Entries that the store holds. */
  readonly storedSize: number;
  readonly waiters: number;
  readonly code?: string;
}

type FollowedTopic = 'log' | 'content' | 'quarantine';

const TOPICS: readonly FollowedTopic[] = ['log', 'content', 'quarantine'];

/**
 * Follows the log of a shard into the read models, and tells those who wait as soon as a signed head
 * covers what they wait for. Nothing it says needs to be believed: it hands out receipts.
 *
 * Any number of them may follow the same log into the same store: one does the work, and another one takes it over when
 * that one stops. Whoever waits at one of several is told of inputs only; `StoreView` tells everything to everybody.
 */
export class Projector {
  readonly #options: ProjectorOptions;
  readonly #store: ReadModels;
  readonly #answers: LogAnswers;
  readonly #waiters = new LogWaiters();
  /** Sealed and not yet in the store: who asks meanwhile is answered from here. */
  readonly #fresh = new Map<string, () => InputAnswer>();
  readonly #turns: Readonly<Record<FollowedTopic, WritingTurn>>;
  /** What each topic that has to wait for the store waits for. */
  readonly #away = new Map<FollowedTopic, string>();
  readonly #opened = new Set<FollowedTopic>();
  /** From nothing on, so that the first one is seen to come. */
  readonly #findings = new Map<string, number>(RECONCILED_FINDINGS.map((code) => [code, 0]));
  #projection: LogProjection | undefined;
  #storedSize = 0;
  #isStopped = false;
  #code: string | undefined;
  #isStopping = false;

  constructor(options: ProjectorOptions) {
    const { store } = options;
    this.#options = options;
    this.#store = store;
    this.#answers = new LogAnswers(options);
    this.#turns = {
      log: this.#turnOf(async () => (await store.logPosition())?.nextOffset ?? 0),
      content: this.#turnOf(() => store.sidePosition('content')),
      quarantine: this.#turnOf(() => store.sidePosition('quarantine')),
    };
  }

  get proofs(): LogProofs {
    return this.#answers.proofs;
  }

  /** How many of each code this one has stored since it is there: where several follow a log, one of them stores it. */
  get findings(): ReadonlyMap<string, number> {
    return this.#findings;
  }

  get status(): ProjectorStatus {
    const [away] = this.#away.values();
    const code = this.#code ?? away;
    return {
      state: this.#state(),
      sealedSize: this.#projection?.sealedSize ?? 0,
      storedSize: this.#storedSize,
      waiters: this.#waiters.count,
      ...(code !== undefined && { code }),
    };
  }

  /**
   * Follows until it is stopped.
   *
   * @throws LedgerError EQUIVOCATION, LOG_ROLLBACK, LOG_CORRUPT: the log is not to be trusted any more; LOG_MOVED: it goes on
   * in another partition, and everything up to there is stored;
   * BrokerError, StoreError: an adapter has given up
   */
  async run(): Promise<void> {
    const following = TOPICS.map((topic) => this.#followTopic(topic));
    try {
      await Promise.all(following);
    } catch (error) {
      this.#code = codeOf(error);
      throw error;
    } finally {
      // One that fails stops the others, so that none goes on alone.
      this.#isStopping = true;
      await Promise.allSettled(following);
      this.#isStopped = true;
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
    if (this.#opened.size > 0 && !this.#isStopped) {
      throw new ProjectorError('PROJECTOR_RUNNING', 'expected a projector that does not run');
    }
    await this.#store.clear();
  }

  /** Answers what came of an input, or undefined when nothing did in time. */
  async waitForInput(digest: string, timeoutMs: number): Promise<InputAnswer | undefined> {
    return this.#waiters.waitForInput(
      digest,
      timeoutMs,
      async () => this.#fresh.get(digest)?.() ?? this.#answers.ofInput(digest),
    );
  }

  /** Answers the index of the newest stored entry about an action once it is beyond `since`. */
  async waitForAction(action: ActionWait, timeoutMs: number): Promise<number | undefined> {
    return this.#waiters.waitForAction(action, timeoutMs, this.#store);
  }

  /** Whether the store holds that many entries in time: for a reader who wants what was just answered. */
  async waitForStored(size: number, timeoutMs: number): Promise<boolean> {
    return this.#waiters.waitForStored(size, timeoutMs, () => this.#storedSize);
  }

  /** The size of the newest head that witnesses have cosigned, once it is one of that many entries; undefined when the time is over. */
  async waitForCosigned(size: number, timeoutMs: number): Promise<number | undefined> {
    return this.#waiters.waitForCosigned(size, timeoutMs, this.#store);
  }

  /** The store has a cosigned head of this size from now on. */
  noteCosigned(size: number): void {
    this.#waiters.settleCosigned(size);
  }

  /**
   * Everything that proves the binding of an action, ready for a verifier without a network.
   *
   * @throws ProjectorError NOT_FOUND, NOT_SEALED, NOT_WITNESSED
   */
  async evidence(tenant: string, actionId: string, level?: EvidenceLevel): Promise<JsonObject> {
    return this.#answers.evidence(tenant, actionId, level);
  }

  #turnOf(position: () => Promise<number>): WritingTurn {
    const { store, clock } = this.#options;
    return new WritingTurn({ store, clock, position });
  }

  #state(): ProjectorStatus['state'] {
    if (this.#isStopped) return 'stopped';
    if (this.#away.size > 0) return 'waiting-store';
    return this.#opened.size === TOPICS.length ? 'following' : 'starting';
  }

  async #followTopic(topic: FollowedTopic): Promise<void> {
    try {
      await followIntoStore({
        clock: this.#options.clock,
        isStopped: () => this.#isStopping,
        goOn: () => (topic === 'log' ? this.#goOnWithLog() : this.#goOnWithSide(topic)),
        onAway: (code) => {
          this.#away.set(topic, code);
        },
        onOvertaken: () => {
          this.#away.delete(topic);
        },
      });
    } finally {
      this.#isStopping = true;
    }
  }

  async #goOnWithLog(): Promise<void> {
    const projection = await LogProjection.open({
      ...this.#options,
      proofs: this.proofs,
      turn: this.#turns.log,
      onSealed: (entries, head) => {
        this.#announce(entries, head);
      },
      onStored: (entries, head) => {
        this.#stored(entries, head.size);
        this.#away.delete('log');
      },
    });
    this.#projection = projection;
    // What was fresh is in the store by now, or is read once more.
    this.#fresh.clear();
    this.#stored([], projection.sealedSize);
    this.#opened.add('log');
    const { nextOffset } = projection;
    await projection.assertGoesOn();
    try {
      await this.#follow('log', nextOffset, {
        isStopped: () => this.#isStopping || projection.hasFailed,
        take: (records) => projection.take(records),
      });
    } catch (error) {
      // Nobody may go on, or close the store, while a commit is under way. That it fails too says nothing new.
      await projection.committed().catch(() => undefined);
      throw error;
    }
    await projection.committed();
  }

  async #goOnWithSide(topic: 'content' | 'quarantine'): Promise<void> {
    const next = await this.#store.sidePosition(topic);
    this.#opened.add(topic);
    await this.#follow(topic, next, {
      isStopped: () => this.#isStopping,
      take: (records, from) => this.#takeSide(topic, records, from),
    });
  }

  async #follow(
    topic: FollowedTopic,
    from: number,
    how: {
      readonly isStopped: () => boolean;
      readonly take: (records: readonly StoredRecord[], from: number) => Promise<number>;
    },
  ): Promise<void> {
    const { broker, clock, partition = 0 } = this.#options;
    const onIdle = (): void => {
      this.#away.delete(topic);
    };
    await follow({ broker, clock, tp: { topic, partition }, onIdle, ...how }, from);
  }

  #announce(entries: readonly SealedEntry[], head: SealedHead): void {
    for (const [digest, group] of answerGroups(entries)) {
      const answer = (): InputAnswer => ({
        kind: 'sealed',
        entries: group.map((sealed) => answered(sealed, receiptOf(sealed.index, head))),
      });
      this.#fresh.set(digest, answer);
      if (this.#waiters.hasInput(digest)) this.#waiters.settleInput(digest, answer());
    }
  }

  #stored(entries: readonly SealedEntry[], size: number): void {
    this.#storedSize = size;
    for (const { entry } of entries) {
      if ('input' in entry) this.#fresh.delete(entry.input);
      if (entry.type === 'finding-raised') this.#count(entry.finding);
    }
    this.#waiters.settleEntries(entries);
    this.#waiters.settleStored(size);
  }

  #count(finding: string): void {
    this.#findings.set(finding, (this.#findings.get(finding) ?? 0) + 1);
  }

  async #takeSide(
    topic: 'content' | 'quarantine',
    records: readonly StoredRecord[],
    from: number,
  ): Promise<number> {
    const next = (records.at(-1)?.offset ?? -1) + 1;
    const rows = records.flatMap((record) => sideRows(topic, record));
    await this.#turns[topic].apply(from, { rows, side: [{ topic, from, to: next }] });
    this.#away.delete(topic);
    for (const row of rows) await this.#settleSide(row);
    return next;
  }

  async #settleSide(row: RowChange): Promise<void> {
    if (row.change === 'quarantined') {
      this.#waiters.settleInput(row.digest, { kind: 'quarantined', code: row.code });
    } else if (row.change === 'input' && this.#waiters.hasInput(row.digest)) {
      const answer = await this.#answers.ofInput(row.digest);
      if (answer !== undefined) this.#waiters.settleInput(row.digest, answer);
    }
  }
}

function codeOf(error: unknown): string {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  return hasCode && typeof error.code === 'string' ? error.code : 'UNKNOWN';
}
