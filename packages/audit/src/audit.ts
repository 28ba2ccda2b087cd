import type { BrokenGlass } from '@countersign/binding';
import { equalBytes } from '@countersign/canonical';
import { TileEdge, type TileFile } from '@countersign/tlog';
import { AuditError } from './audit-error.ts';
import type { NearEnrolment, NotDerived, PendingRecovery } from './audit-facts.ts';
import {
  assertContinues,
  assertPinned,
  assertSigned,
  forked,
  openGivenHead,
  takenUp,
  type CheckedTo,
  type GivenHead,
  type HeadSigners,
  type SeenHead,
} from './head-check.ts';
import { LogReplay, type ReplayOptions } from './log-replay.ts';
import { TileCheck } from './tile-check.ts';
import type { TileSource } from './tile-source.ts';

/** What an audit tells somebody while it goes on, who may keep it. */
export interface AuditWatch {
  /** The head is one that a pinned key has signed, or that a key in the log must have. */
  readonly onHead?: (head: GivenHead) => Promise<void>;
  /** Tiles and bundles whose hashes hold, in the order of the log. */
  readonly onFiles?: (files: readonly TileFile[]) => Promise<void>;
  /** Everything up to here holds. */
  readonly onChecked?: (checked: CheckedTo, size: number) => Promise<void>;
}

export interface AuditOptions extends AuditWatch, ReplayOptions {
  readonly source: TileSource;
  /** The head of the last run that came to an end. */
  readonly seen?: SeenHead;
  /** How far an earlier run has come; of a log that has other entries there, everything is checked. */
  readonly from?: CheckedTo;
}

/** What was found to hold. */
export interface AuditFindings extends HeadSigners {
  readonly head: SeenHead;
  /** Entries that an earlier run has checked. */
  readonly from: number;
  readonly signatures: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly notDerived: NotDerived;
  readonly nearEnrolments: readonly NearEnrolment[];
  readonly nearCount: number;
  /** What ran as BREAK-GLASS and nobody has reviewed. */
  readonly unreviewed: readonly BrokenGlass[];
  /** Who may get a new key soon, unless somebody cancels it. */
  readonly recoveries: readonly PendingRecovery[];
}

/**
 * Checks a log, at level `replayed`: every tile, every signature, every decision derived again. Memory does not grow with the log, but
 * with the actions of a month that the rules remember. After a refusal nothing more may be asked of it.
 */
export class LogAudit {
  readonly #options: AuditOptions;
  readonly #replay: LogReplay;
  readonly #edge: TileEdge = TileEdge.empty();
  #seen: SeenHead | undefined;
  #from: CheckedTo | undefined;
  /** Of the entries before those that are read now. */
  #settled: Promise<void> = Promise.resolve();
  #reached: CheckedTo | undefined;

  constructor(options: AuditOptions) {
    this.#options = options;
    this.#replay = new LogReplay(options);
    this.#seen = options.seen;
    this.#from = options.from;
  }

  /** Checks what there is of the log now, from where the last call has come to. @throws AuditError for the first thing that does not hold */
  async run(): Promise<AuditFindings> {
    const { source, trust, verifySignature, onHead } = this.#options;
    const note = await source.checkpoint();
    const head = await openGivenHead(note, trust, verifySignature);
    assertPinned(head, trust);
    if (this.#seen !== undefined) await assertContinues(this.#seen, head, source);
    this.#from = await takenUp(this.#from, head, source);
    await onHead?.(head);
    await this.#walk(head);
    const { keys } = this.#replay;
    if (keys === undefined) throw new AuditError('GENESIS_MISMATCH', 'expected a log with entries');
    const signers = await assertSigned(note, trust, { keys, verifySignature });
    this.#seen = head;
    return { ...this.#findings(head), ...signers };
  }

  #findings(head: GivenHead): Omit<AuditFindings, keyof HeadSigners> {
    const { facts, signatures, recoveries } = this.#replay;
    return {
      head,
      from: this.#from?.size ?? 0,
      signatures: signatures.checks,
      counts: Object.fromEntries([...facts.counts].sort(([a], [b]) => (a < b ? -1 : 1))),
      notDerived: facts.notDerived,
      nearEnrolments: facts.nearEnrolments,
      nearCount: facts.nearCount,
      unreviewed: facts.breakGlass.unreviewed,
      recoveries,
    };
  }

  async #walk(head: GivenHead): Promise<void> {
    try {
      await this.#walkTiles(head);
    } catch (error) {
      // A signature before it that does not hold is the first thing that does not.
      await this.#settled;
      await this.#replay.signatures.settle();
      throw error;
    }
  }

  async #walkTiles(head: GivenHead): Promise<void> {
    const { source, onFiles } = this.#options;
    const tiles = new TileCheck(source, head, this.#edge);
    while (this.#edge.size < head.size) {
      const { entries, files } = await tiles.next((edge) => {
        this.#assertSeen(edge, head);
      });
      if (files.length > 0) await onFiles?.(files);
      const known = this.#knownOf(entries.length);
      this.#replay.skip(entries.slice(0, known));
      await this.#replay.read(entries.slice(known), false);
      await this.#settle(head);
    }
    const partial = await tiles.end();
    await this.#replay.read([], true);
    await this.#settle(head);
    await this.#settle(head);
    await onFiles?.(partial);
  }

  /** How many of the entries that were read last an earlier run has checked. */
  #knownOf(count: number): number {
    const from = this.#from?.size ?? 0;
    return Math.max(0, Math.min(count, from - (this.#edge.size - count)));
  }

  #assertSeen(edge: TileEdge, head: GivenHead): void {
    const { trust } = this.#options;
    const { size } = edge;
    const isOther = (known: CheckedTo | undefined): boolean =>
      known?.size === size && !equalBytes(edge.root(), known.root);
    if (this.#seen !== undefined && isOther(this.#seen)) throw forked(this.#seen, head);
    if (isOther(trust.pinnedHead)) {
      throw new AuditError('LOG_ROLLBACK', `expected the pinned head of ${size} entries`);
    }
    if (isOther(this.#from)) {
      const message = `expected the ${size} entries that the tiles tell of`;
      throw new AuditError('TILE_MISMATCH', message, { index: 0 });
    }
  }

  /** Waits for the signatures of the entries before, while those of the newest are being checked. */
  async #settle(head: GivenHead): Promise<void> {
    const before = this.#settled;
    const reached = this.#reached;
    this.#reached = this.#replay.derived;
    this.#settled = this.#replay.signatures.settle();
    await before;
    if (reached !== undefined) await this.#options.onChecked?.(reached, head.size);
  }
}
