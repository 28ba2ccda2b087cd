import { parseEntry, type AuthorityState } from '@countersign/binding';
import type { StoredRecord } from '@countersign/broker';
import type { VerifySignature } from '@countersign/canonical';
import {
  LedgerError,
  LogReader,
  homingIn,
  keysAfter,
  type ResumePoint,
  type SealedHead,
} from '@countersign/log-reader';
import type { ReadModels, RowChange } from '@countersign/store';
import { KeyHistory } from '@countersign/tlog';
import { authorityAfter } from './authority-chain.ts';
import { inSpan, traceContextOf, type TraceContext } from '@countersign/tracing';
import type { LogProofs } from './log-proof.ts';
import { projectEntry, type SealedEntry } from './row-changes.ts';
import { sealedEntries } from './sealed-answer.ts';
import type { WritingTurn } from './writing-turn.ts';

export interface LogProjectionOptions {
  readonly store: ReadModels;
  readonly proofs: LogProofs;
  readonly origin: string;
  /** Those that the log was founded with. */
  readonly logKeys: readonly string[];
  readonly verifySignature: VerifySignature;
  /** Of the log topic; 0 unless given. */
  readonly partition?: number;
  readonly turn: WritingTurn;
  /** Before anything is stored: a receipt is proof enough by itself. */
  readonly onSealed: (entries: readonly SealedEntry[], head: SealedHead) => void;
  readonly onStored: (entries: readonly SealedEntry[], head: SealedHead) => void;
}

/** Goes from where the store stands through the log, and into the store; until something fails. */
export class LogProjection {
  readonly #options: LogProjectionOptions;
  readonly #reader: LogReader;
  #authority: AuthorityState | undefined;
  /** Where the store stands once everything is committed that was given to it. */
  #position: number;
  #committing: Promise<void> = Promise.resolve();
  #hasFailed = false;

  private constructor(options: LogProjectionOptions, resume: ResumePoint | undefined) {
    const { origin, logKeys, verifySignature, proofs, partition } = options;
    this.#options = options;
    this.#position = resume?.nextOffset ?? 0;
    this.#reader = new LogReader({
      origin,
      logKeys,
      verifySignature,
      ...(partition !== undefined && { partition }),
      rootAt: (size) => proofs.rootAt(size),
      ...(resume !== undefined && { resume }),
    });
  }

  /** With what the entries before the position have built up. */
  static async open(options: LogProjectionOptions): Promise<LogProjection> {
    const { store, origin, logKeys, partition = 0 } = options;
    const position = await store.logPosition();
    if (position === undefined) return new LogProjection(options, undefined);
    const types = ['ledger-founded', 'authority-changed'];
    const entries = await store.entriesOfType(types, position.size - 1);
    const keys = keysAfter(KeyHistory.founding(logKeys), { origin, entries });
    const { movedTo } = homingIn(entries, partition);
    const projection = new LogProjection(options, {
      ...position,
      keySpans: keys.spans,
      ...(movedTo !== undefined && { movedTo }),
    });
    for (const { bytes } of entries) {
      projection.#authority = authorityAfter(projection.#authority, parseEntry(bytes));
    }
    return projection;
  }

  get sealedSize(): number {
    return this.#reader.sealedSize;
  }

  get nextOffset(): number {
    return this.#reader.nextOffset;
  }

  /** Nothing may be taken any more; `committed` tells why. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  async take(records: readonly StoredRecord[]): Promise<number> {
    const rows: RowChange[] = [];
    const sealed: SealedEntry[] = [];
    let last: SealedHead | undefined;
    const traces = tracesOf(records);
    for (const record of records) {
      const event = await this.#reader.read(record);
      if (event?.kind !== 'sealed') continue;
      last = event;
      const entries = sealedEntries(event);
      this.#options.onSealed(entries, event);
      sealed.push(...entries);
      rows.push(...this.#project(entries, event));
    }
    if (last !== undefined) await this.#commit({ rows, sealed, head: last, traces });
    await this.assertGoesOn();
    return this.#reader.nextOffset;
  }

  /**
   * That the log goes on where it is read, once everything up to its end there is stored.
   *
   * @throws LedgerError LOG_MOVED; StoreError what the last commit has failed with
   */
  async assertGoesOn(): Promise<void> {
    const { movedTo, sealedSize, head } = this.#reader;
    if (movedTo === undefined || sealedSize < head.size) return;
    await this.#committing;
    const { partition = 0 } = this.#options;
    throw new LedgerError('LOG_MOVED', `the log has moved from shard ${partition} to ${movedTo}`);
  }

  /** @throws StoreError what the last commit has failed with */
  async committed(): Promise<void> {
    await this.#committing;
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

  /**
   * Rows and position in one transaction. Stopping before it: the records are read again. Stopping after it:
   * they are not. At most one commit is under way while the next records are read and announced.
   */
  async #commit(work: {
    readonly rows: readonly RowChange[];
    readonly sealed: readonly SealedEntry[];
    readonly head: SealedHead;
    readonly traces: readonly TraceContext[];
  }): Promise<void> {
    const { rows, sealed, head, traces: causes } = work;
    await this.#committing;
    const { turn, onStored } = this.#options;
    const from = this.#position;
    this.#position = head.resume.nextOffset;
    const span = {
      kind: 'consumer',
      causes,
      attributes: { 'countersign.entries': sealed.length },
    } as const;
    this.#committing = inSpan('projector.store', span, async () => {
      await turn.apply(from, { rows, log: { from, to: head.resume } });
      onStored(sealed, head);
    });
    this.#committing.catch(() => {
      this.#hasFailed = true;
    });
  }
}

/** One of each trace: a batch and what seals it are one cause. */
function tracesOf(records: readonly StoredRecord[]): TraceContext[] {
  const traces = new Map<string, TraceContext>();
  for (const { headers } of records) {
    const trace = traceContextOf(headers);
    if (trace !== undefined) traces.set(trace.traceparent.split('-')[1] ?? '', trace);
  }
  return [...traces.values()];
}
