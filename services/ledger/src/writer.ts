import {
  nextDeadlineMs,
  type Entry,
  type LedgerLimits,
  type PolicyEngine,
} from '@countersign/binding';
import {
  BrokerError,
  splitForAppend,
  type Broker,
  type NewRecord,
  type Topic,
  type TopicPartition,
} from '@countersign/broker';
import type { VerifySignature } from '@countersign/canonical';
import type { Descriptor } from '@countersign/descriptors';
import { LedgerError } from '@countersign/log-reader';
import type { NoteSigner } from '@countersign/tlog';
import { activeTrace, inActiveTrace, inSpan, lastingTraceHeaders } from '@countersign/tracing';
import { AcceptedLog, type LogIdentity } from './accepted-log.ts';
import { draftBatch, type BatchDraft } from './batch-draft.ts';
import { batchHeaders } from './batch-headers.ts';
import { batchKey } from './batch-key.ts';
import { Eraser } from './eraser.ts';
import { InputQueue } from './input-queue.ts';
import { contentKey } from './intake-input.ts';
import type { LedgerClock } from './ledger-clock.ts';
import { Patience, StopSignal, UnknownOutcome, codeOf } from './patience.ts';
import { Sealer, type SealedRoot } from './sealer.ts';
import { SnapshotKeeper } from './snapshot-keeper.ts';
import { SnapshotError, type SnapshotCode, type SnapshotStore } from './snapshot-store.ts';
import type { SnapshotStatus, WriterCounts, WriterState, WriterStatus } from './writer-status.ts';

/** The broker's time may be ahead of the writer's by this much: more would let it decide what has expired. */
export const CLOCK_JUMP_MS = 60_000;

export interface WriterOptions extends LogIdentity {
  readonly broker: Broker;
  /** Of keys of the log: each that may sign a head signs it. */
  readonly signers: readonly NoteSigner[];
  readonly clock: LedgerClock;
  readonly verifySignature: VerifySignature;
  /** All action types that this build can show. */
  readonly descriptors: readonly Descriptor[];
  /** Everybody who folds this log MUST have the same. */
  readonly policyEngine: PolicyEngine;
  /** ULID that tells this writer from others; made at each start. */
  readonly epoch: string;
  readonly partition?: number;
  /** Where the fold is kept for the next start. Without it every start reads the whole log. */
  readonly snapshots?: { readonly store: SnapshotStore; readonly everyMs?: number };
  /** Other bounds than the rules have by default: only where all who read this log have them too. */
  readonly limits?: Partial<LedgerLimits>;
  /** Told of each batch of its own that became part of the log: how many entries. */
  readonly onBatch?: (entries: number) => void;
}

/**
 * Decides the inputs of a shard and writes its log. Any number of them may run on one log: each accepts
 * only what every reader accepts, so they cost each other work and never the log.
 */
export class Writer {
  readonly #options: WriterOptions;
  readonly #patience: Patience;
  readonly #log: AcceptedLog;
  readonly #sealer: Sealer;
  readonly #eraser: Eraser;
  readonly #queue: InputQueue;
  readonly #keeper: SnapshotKeeper | undefined;
  readonly #counts = { quarantined: 0, lostBatches: 0 };
  #state: WriterState = 'starting';
  #sinceMs: number;
  #code: string | undefined;
  #snapshot: SnapshotStatus = { startSize: 0 };
  #isStopping = false;
  /** Of the newest accepted batch: the next one is drafted and appended meanwhile, and sealed after it. */
  #sealing: Promise<void> = Promise.resolve();

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.nowMs();
    this.#patience = new Patience({
      clock: options.clock,
      isStopped: () => this.#isStopping,
      onWait: (whom, code) => {
        this.#become(whom, code);
      },
      onDone: () => {
        // Reading ahead may end after everything else has.
        if (this.#state.startsWith('waiting')) this.#become('running');
      },
    });
    const patience = this.#patience;
    const tp = this.#partitionOf('log');
    this.#sealer = new Sealer({ ...options, tp, patience });
    this.#eraser = new Eraser(options.broker, patience);
    this.#log = new AcceptedLog({
      ...options,
      tp,
      patience,
      onEntry: (entry, index) => {
        this.#note(entry, index);
      },
      onCommit: (place) => {
        this.#keeper?.offer(place);
      },
      onSealed: (size) => {
        this.#keeper?.noteSealed(size);
      },
    });
    this.#keeper = this.#newKeeper();
    this.#queue = new InputQueue({ ...options, tp: this.#partitionOf('intake'), patience }, 0);
  }

  get status(): WriterStatus {
    return {
      state: this.#state,
      sinceMs: this.#sinceMs,
      ...(this.#code !== undefined && { code: this.#code }),
      sealedSize: this.#sealer.sealedSize,
      acceptedSize: this.#log.reader.head.size,
      snapshot: this.#snapshot,
      intakeOffset: this.#queue.offset,
    };
  }

  /** For whoever remembers it: a log behind it was put back. */
  get sealedHead(): SealedRoot | undefined {
    return this.#sealer.sealedHead;
  }

  /** Verifier keys that may sign the newest head that is signed. */
  get logKeys(): readonly string[] {
    const { keys } = this.#log.reader;
    return keys.validAt(this.#sealer.sealedSize).map(({ vkey }) => vkey);
  }

  get counts(): WriterCounts {
    const { state } = this.#log;
    return {
      ...this.#counts,
      entries: state.size,
      bindings: state.isFounded ? state.head.bindings : 0,
      erasures: this.#eraser.count,
      ignoredBatches: this.#log.reader.counts.ignoredBatches,
    };
  }

  /** When a tick would do something. */
  get nextDeadlineMs(): number | undefined {
    const { state } = this.#log;
    return this.#state === 'running' && state.isFounded ? nextDeadlineMs(state) : undefined;
  }

  /**
   * Writes until it is stopped.
   *
   * @throws LedgerError: the log, the clock, the broker or the signer is not to be worked with. Nothing is
   * lost by that, and starting again is safe.
   */
  async run(): Promise<void> {
    try {
      await this.#open();
      this.#become('running');
      while (!this.#isStopping) await this.#cycle();
      await this.#sealing;
      await this.#keeper?.stop();
      this.#become('stopped');
    } catch (error) {
      // Whoever takes over must not meet what this one still publishes.
      this.#isStopping = true;
      await Promise.allSettled([this.#sealing, this.#keeper?.stop()]);
      const cause = named(error);
      this.#become('stopped', cause instanceof StopSignal ? undefined : codeOf(cause));
      if (!(cause instanceof StopSignal)) throw cause;
    }
  }

  stop(): void {
    this.#isStopping = true;
  }

  /**
   * Starting is recovering: whatever the last writer left undone is done here, by the same code as ever.
   * A batch that it appended and did not sign is signed; derived records that are missing are published;
   * erasures that are in the log, or in what is read of it, are carried out.
   */
  async #open(): Promise<void> {
    await this.#startFromSnapshot();
    await this.#log.catchUp();
    // What a move has closed is sealed like anything else; a copy of a log is not signed at all.
    if (this.#log.reader.movedTo === undefined) this.#log.assertHome();
    this.#log.assertIdentity();
    this.#assertClock(this.#log.state.lastAtMs);
    this.#sealer.noteSealed(this.#log.reader.sealedSize);
    await this.#seal();
    this.#log.assertHome();
    this.#sealer.assertSigners(this.#log.reader);
    await this.#queue.restart(this.#log.reader.head.intakeOffset);
  }

  async #startFromSnapshot(): Promise<void> {
    const store = this.#options.snapshots?.store;
    if (store === undefined) return;
    try {
      const stored = await store.load();
      if (stored === undefined) return;
      const { size: startSize, erased } = await this.#log.startFrom(stored);
      this.#snapshot = { startSize };
      const { tenant } = this.#log.state.authority.ledger;
      this.#eraser.repeat(erased.map((id) => contentKey(tenant, id)));
      this.#keeper?.noteStored();
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      this.#snapshot = { startSize: 0, notUsed: error.code };
    }
  }

  #newKeeper(): SnapshotKeeper | undefined {
    const { snapshots, clock } = this.#options;
    if (snapshots === undefined) return undefined;
    const onOutcome = (notKept: SnapshotCode | undefined): void => {
      const { startSize, notUsed } = this.#snapshot;
      this.#snapshot = {
        startSize,
        ...(notUsed !== undefined && { notUsed }),
        ...(notKept !== undefined && { notKept }),
      };
    };
    return new SnapshotKeeper({ ...snapshots, clock, onOutcome }, () => this.#log.state);
  }

  async #cycle(): Promise<void> {
    const { state, reader } = this.#log;
    if (reader.movedTo !== undefined) {
      await this.#sealing;
      this.#log.assertHome();
    }
    const inputs = await this.#queue.next(state);
    if (inputs.length === 0) {
      await this.#sealing;
      await this.#eraser.repeatSome();
      return;
    }
    for (const { checked } of inputs) this.#assertClock(checked?.raw.appendTimeMs ?? 0);
    const { origin, epoch, clock } = this.#options;
    const startMs = clock.nowMs();
    const draft = draftBatch({ state, range: reader.range, origin, epoch }, inputs);
    // The next inputs are read and checked while this batch is written.
    this.#queue.prefetch(draft.state);
    const { traces: causes, entries } = draft;
    const attributes = { 'countersign.entries': entries.length, 'countersign.origin': origin };
    const seal = await inSpan('ledger.batch', { causes, attributes, startMs }, async () => {
      const hasGrown = await this.#write(draft);
      return hasGrown ? inActiveTrace(() => this.#seal()) : undefined;
    });
    if (seal === undefined) return;
    await this.#sealing;
    this.#sealing = seal();
    // The next cycle, or the end, gets the failure; until then it must not count as unhandled.
    this.#sealing.catch(() => undefined);
  }

  /** Signs and publishes the head that is accepted now, and carries out the erasures up to it. */
  async #seal(): Promise<void> {
    const erasures = this.#eraser.dueCount;
    await inSpan('ledger.seal', {}, () => this.#sealer.seal(this.#log.reader));
    await this.#eraser.run(erasures);
    await this.#eraser.repeatSome();
    this.#keeper?.noteSealed(this.#sealer.sealedSize);
  }

  /** Whether the log grew. */
  async #write(draft: BatchDraft): Promise<boolean> {
    // Stopping after this leaves content, or a note of a refused input, that no entry speaks of: the inputs
    // are decided again at the next start, and the same content is appended once more, which changes nothing.
    await Promise.all([
      this.#appendRepeatable('content', draft.content),
      this.#appendRepeatable('quarantine', draft.quarantined),
    ]);
    const { record } = draft;
    if (record === undefined) {
      draft.state.commit();
      this.#queue.consume(draft.consumed);
      return false;
    }
    const [trace, ...others] = draft.traces;
    await this.#propose({
      key: batchKey(draft.sizeBefore, this.#log.reader.headEnd),
      value: record.value,
      headers: {
        ...batchHeaders(record.batch),
        ...lastingTraceHeaders(activeTrace() ?? (others.length === 0 ? trace : undefined)),
      },
    });
    const { hasDraft, hasOthers } = await this.#log.catchUp(draft);
    if (hasDraft) {
      this.#queue.consume(draft.consumed);
      this.#options.onBatch?.(draft.entries.length);
    } else if (hasOthers) this.#counts.lostBatches += 1;
    // Another writer has decided some of these inputs: what is left begins where its batch says.
    if (hasOthers) await this.#queue.restart(this.#log.reader.head.intakeOffset);
    return hasDraft || hasOthers;
  }

  /**
   * Appends the one record that decides.
   *
   * Crash story: stopping before it changes nothing, and the inputs are decided again. Stopping after it,
   * with or without an answer, leaves a batch that is either the first exact successor of the head, and
   * then part of the log for everybody, to be signed by whoever writes next; or not, and then nothing. So
   * after an unknown outcome too, the log is read and what it says goes: this batch is never appended again.
   */
  async #propose(record: NewRecord): Promise<void> {
    const { broker } = this.#options;
    try {
      await inSpan('ledger.append', { kind: 'producer' }, () =>
        this.#patience.append(() => broker.append(this.#partitionOf('log'), [record])),
      );
    } catch (error) {
      if (!(error instanceof UnknownOutcome)) throw error;
      await this.#patience.pause();
    }
  }

  async #appendRepeatable(topic: Topic, records: readonly NewRecord[]): Promise<void> {
    const { broker } = this.#options;
    for (const run of splitForAppend(records)) {
      await this.#patience.appendRepeatable(() => broker.append(this.#partitionOf(topic), run));
    }
    if (topic === 'quarantine') this.#counts.quarantined += records.length;
  }

  #note(entry: Entry, index: number): void {
    if (entry.type === 'binding-made') {
      this.#sealer.noteBinding(index);
    } else if (entry.type === 'content-erased') {
      this.#eraser.note(contentKey(entry.tenant, entry.action_id));
    }
  }

  #assertClock(timeMs: number): void {
    const nowMs = this.#options.clock.nowMs();
    if (timeMs <= nowMs + CLOCK_JUMP_MS) return;
    throw new LedgerError(
      'CLOCK_JUMP',
      `expected a time of at most ${CLOCK_JUMP_MS} ms from now, got ${timeMs - nowMs} ms`,
    );
  }

  #become(state: WriterState, code?: string): void {
    if (state !== this.#state) this.#sinceMs = this.#options.clock.nowMs();
    this.#state = state;
    this.#code = code;
  }

  #partitionOf(topic: Topic): TopicPartition {
    return { topic, partition: this.#options.partition ?? 0 };
  }
}

/** An adapter that has given up is this service's end too. */
function named(error: unknown): unknown {
  if (!(error instanceof BrokerError)) return error;
  return new LedgerError('BROKER_FATAL', `the broker has given up: ${error.code}`, {
    cause: error,
  });
}
