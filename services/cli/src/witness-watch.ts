import { verifySignature } from '@countersign/crypto-node';
import { LedgerError } from '@countersign/ledger';
import { ProjectorError, type LogProofs } from '@countersign/projector';
import { StoreError, type ReadModels } from '@countersign/store';
import { TlogError, verifyConsistency, type WitnessPolicy } from '@countersign/tlog';
import { WitnessSession, type OfferOutcome } from '@countersign/witness-client';
import type { Logger } from 'pino';
import { askedWitnesses, assertWitnessable } from './asked-witnesses.ts';
import { CliError } from './cli-error.ts';
import type { FoundedData } from './open-data.ts';
import { headOf, readOffered, writeOffered, type NotedHead } from './offered-head.ts';
import { withPinLock } from './pin-lock.ts';
import { sleepUnless } from './service.ts';
import { raiseAlarm, type WitnessAlarm } from './witness-alarm.ts';
import { WitnessDoubts, type Doubt } from './witness-doubts.ts';
import type { WitnessMetrics } from './witness-metrics.ts';

const ROUND_EVERY_MS = 1_000;

export interface WitnessWatchParts {
  readonly data: FoundedData;
  readonly policy: WitnessPolicy;
  readonly store: Pick<ReadModels, 'apply' | 'checkpoint' | 'cosigned'>;
  readonly proofs: Pick<LogProofs, 'consistency' | 'rootAt'>;
  /** The store has a head from now on that a quorum has cosigned. */
  readonly onCosigned: (size: number) => void;
  readonly metrics: WitnessMetrics;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

/** A head that is being offered, and who has cosigned it. */
interface Offer {
  readonly head: NotedHead;
  readonly lines: Map<string, string>;
  readonly times: Map<string, number>;
  isKept: boolean;
}

/**
 * Offers the newest sealed head to every witness of the policy, at most one a second, and keeps those that a quorum has cosigned.
 * A witness that is away is asked again, ever more seldom; one that knows another log ends the run: docs/witnessing.md.
 */
export class WitnessWatch {
  readonly #parts: WitnessWatchParts;
  readonly #sessions: readonly WitnessSession[];
  readonly #doubts: WitnessDoubts;
  /** Who has answered, or failed to, at least once. */
  readonly #asked = new Set<string>();
  #offer: Offer | undefined;
  #cosignedSize = 0;

  /** @throws CliError CONFIG_INVALID for a witness without an address, or a log that none takes */
  constructor(parts: WitnessWatchParts) {
    const { data, policy, nowMs } = parts;
    assertWitnessable(data.trust.logKeys.map(({ vkey }) => vkey));
    this.#parts = parts;
    this.#doubts = new WitnessDoubts(nowMs);
    this.#sessions = askedWitnesses(policy).map(
      (witness) => new WitnessSession({ witness, verifySignature, nowMs }),
    );
  }

  /** Every witness was asked, and none is doubted that it and we know the same log. */
  get isSettled(): boolean {
    return this.#asked.size === this.#sessions.length && !this.#doubts.hasAny;
  }

  /** Some witness seems to know another log: soon it is confirmed, or cleared. */
  get isDoubting(): boolean {
    return this.#doubts.hasAny;
  }

  get status(): { readonly cosignedSize: number; readonly away: readonly string[] } {
    const away = this.#sessions.filter(({ failure }) => failure !== undefined);
    return { cosignedSize: this.#cosignedSize, away: away.map(({ name }) => name) };
  }

  /** @throws LedgerError LOG_ROLLBACK, EQUIVOCATION: nothing may be sealed any more */
  async run(stopped: AbortSignal): Promise<void> {
    await this.#passing(async () => {
      const newest = await this.#parts.store.cosigned();
      if (newest !== undefined) this.#cosigned(newest.size);
    });
    while (!stopped.aborted) {
      await this.#passing(() => this.#round(stopped));
      await sleepUnless(ROUND_EVERY_MS, stopped);
    }
  }

  /** The read models may be away, or built again under us, or the disk full: the next round finds them better. */
  async #passing(round: () => Promise<void>): Promise<void> {
    try {
      await round();
    } catch (error) {
      if (!isPassing(error)) throw error;
      const { tenant } = this.#parts.data.mark;
      const line = { event: 'head_not_offered', tenant, code: error.code };
      this.#parts.logger.warn(line, 'the newest head could not be offered to witnesses');
    }
  }

  async #round(stopped: AbortSignal): Promise<void> {
    const offer = await this.#newest();
    if (offer === undefined) return;
    const { head } = offer;
    const offered = { ...head, proofFrom: (size: number) => this.#proof(size, head) };
    const due = this.#sessions.filter(({ isDue, vkey }) => isDue && !offer.lines.has(vkey));
    const outcomes = await Promise.all(
      due.map(async (session) => [session, await session.offer(offered, stopped)] as const),
    );
    // What was interrupted says nothing of the witness.
    if (stopped.aborted) return;
    for (const [session, outcome] of outcomes) this.#note(session, outcome, offer);
    await this.#keep(offer);
    const doubt = this.#doubts.confirmed();
    if (doubt !== undefined) throw await this.#alarm(doubt, head);
  }

  async #newest(): Promise<Offer | undefined> {
    const { store, metrics, data } = this.#parts;
    const newest = await store.checkpoint();
    if (newest === undefined || newest.size === this.#offer?.head.size) return this.#offer;
    const head = headOf(newest.note);
    // Read models that are being built again: what was offered before is still to come.
    if (!(await this.#remembered(head))) return undefined;
    this.#doubts.headGrew();
    metrics.offered(data.mark.tenant, head.size);
    this.#offer = { head, lines: new Map(), times: new Map(), isKept: false };
    return this.#offer;
  }

  /**
   * Writes down what is offered next. Of one size there is only ever one head, and each goes on from the one before, also for
   * a process that was started again.
   */
  async #remembered(head: NotedHead): Promise<boolean> {
    const { data, proofs } = this.#parts;
    const before = await readOffered(data.folder);
    if (before !== undefined && before.size > head.size) return false;
    if (before !== undefined) {
      const { size: from, root: fromRoot } = before;
      const proof = await proofs.consistency(from, head.size);
      try {
        verifyConsistency({ from, fromRoot, to: head.size, toRoot: head.root, proof });
      } catch (error) {
        if (!(error instanceof TlogError)) throw error;
        throw await this.#raise({
          code: from === head.size ? 'EQUIVOCATION' : 'LOG_ROLLBACK',
          witness: null,
          detail: `expected a head that goes on from the one of size ${from} that was offered, got another of size ${head.size}`,
          notes: [head.note, before.note],
        });
      }
      if (from === head.size) return true;
    }
    // Processes that share a folder take turns: what it remembers never goes back.
    await withPinLock(data.folder, async () => {
      if (((await readOffered(data.folder))?.size ?? 0) < head.size) {
        await writeOffered(data.folder, head);
      }
    });
    return true;
  }

  /** Checked against our own roots: a witness may report what does not hold as misbehaviour. */
  async #proof(from: number, { size: to, root: toRoot }: NotedHead): Promise<Uint8Array[]> {
    const { proofs } = this.#parts;
    const proof = await proofs.consistency(from, to);
    const fromRoot = await proofs.rootAt(from);
    if (fromRoot === undefined) {
      throw new ProjectorError('STORE_STALE', `expected the tree of size ${from} in the store`);
    }
    verifyConsistency({ from, to, fromRoot, toRoot, proof });
    return proof;
  }

  #note(session: WitnessSession, outcome: OfferOutcome, { head, lines, times }: Offer): void {
    const { name, vkey } = session;
    const { metrics, logger } = this.#parts;
    const { tenant } = this.#parts.data.mark;
    this.#asked.add(name);
    const said = outcome.kind === 'failed' ? outcome.code : outcome.kind;
    metrics.answered({ tenant, witness: name, outcome: said });
    switch (outcome.kind) {
      case 'cosigned':
        lines.set(vkey, outcome.cosignature.line);
        times.set(vkey, outcome.cosignature.time);
        this.#doubts.cleared(name);
        return;
      case 'failed':
        logger.warn(
          { event: 'witness_failed', tenant, witness: name, code: outcome.code },
          `a witness has not cosigned: ${outcome.detail}`,
        );
        return;
      case 'ahead':
      case 'contradicted':
        this.#doubts.add({ witness: name, ...outcome });
        logger.error(
          { event: 'witness_contradicts', tenant, witness: name, size: head.size, says: outcome },
          'a witness knows another log',
        );
    }
  }

  async #keep(offer: Offer): Promise<void> {
    const { policy, store, onCosigned } = this.#parts;
    const { head, lines, times } = offer;
    if (offer.isKept || policy.quorumTime(times) === undefined) return;
    const note = head.note + [...lines.values()].join('');
    await store.apply({ rows: [{ change: 'cosigned', size: head.size, note }] });
    offer.isKept = true;
    this.#cosigned(head.size);
    onCosigned(head.size);
  }

  #cosigned(size: number): void {
    this.#cosignedSize = size;
    this.#parts.metrics.cosigned(this.#parts.data.mark.tenant, size);
  }

  #alarm({ witness, kind, size }: Doubt, head: NotedHead): Promise<LedgerError> {
    const isAhead = kind === 'ahead';
    return this.#raise({
      code: isAhead ? 'LOG_ROLLBACK' : 'EQUIVOCATION',
      witness,
      detail: isAhead
        ? `expected witnesses to hold heads up to size ${head.size}, ${witness} says that it holds one of size ${size}`
        : `expected ${witness} to take a head of size ${head.size} that goes on from size ${size}, it holds another head of that size`,
      notes: [head.note],
    });
  }

  async #raise(alarm: WitnessAlarm): Promise<LedgerError> {
    const { data, metrics, nowMs } = this.#parts;
    metrics.alarm(data.mark.tenant, alarm.code);
    return raiseAlarm(data.folder, alarm, nowMs());
  }
}

function isPassing(error: unknown): error is StoreError | ProjectorError | TlogError | CliError {
  if (error instanceof CliError) return error.code === 'DISK_FULL' || error.code === 'DATA_BUSY';
  const isOfStore = error instanceof StoreError || error instanceof ProjectorError;
  return isOfStore || error instanceof TlogError;
}
