import { ANSWERS_KEPT_MS } from '@countersign/binding';
import type { ResumeClaim } from './snapshot-head.ts';

const ANCHOR_EVERY_MS = 30_000;

/** Before what a batch's head was: from there a reader that knows it may go on. */
export interface ResumeAnchor extends ResumeClaim {
  /** Ledger time of the first entry after it. */
  readonly atMs: number;
  /** How many batches had been read before it, counted by whoever keeps these. */
  readonly batchNumber: number;
}

export const START_OF_LOG: ResumeAnchor = {
  size: 0,
  hashes: [],
  batchOffset: 0,
  atMs: 0,
  batchNumber: 0,
};

/**
 * So many batches lie at least between the place to go on from and the snapshot. A writer appends at most one batch while
 * the erasures of the one before it are under way: more writers than this are never at work on one shard, so what
 * was to be erased before that place is.
 */
export const BATCHES_BETWEEN_MIN = 8;

/** The last quarter of an hour of such places, a few a minute. */
export class ResumeAnchors {
  #anchors: ResumeAnchor[] = [];

  /** Whether one more is wanted at this time. */
  isDue(atMs: number): boolean {
    const newest = this.#anchors.at(-1);
    return newest === undefined || newest.atMs + ANCHOR_EVERY_MS <= atMs;
  }

  add(anchor: ResumeAnchor): void {
    this.#anchors.push(anchor);
    // One that is far enough back is all that is ever asked for.
    const far = this.#anchors.findLastIndex((each) => isBehind(each, anchor));
    if (far > 0) this.#anchors = this.#anchors.slice(far);
  }

  /** The nearest one from which everything is read again that a snapshot of this time leaves out. */
  before(place: Pick<ResumeAnchor, 'atMs' | 'batchNumber'>): ResumeAnchor | undefined {
    return this.#anchors.findLast((anchor) => isBehind(anchor, place));
  }
}

function isBehind(
  anchor: ResumeAnchor,
  { atMs, batchNumber }: Pick<ResumeAnchor, 'atMs' | 'batchNumber'>,
): boolean {
  return isFarEnough(anchor.atMs, atMs) && anchor.batchNumber + BATCHES_BETWEEN_MIN <= batchNumber;
}

/** Whether no answer before that time is looked at any more, nor a quota. */
export function isFarEnough(firstAtMs: number, atMs: number): boolean {
  return firstAtMs + ANSWERS_KEPT_MS < atMs;
}
