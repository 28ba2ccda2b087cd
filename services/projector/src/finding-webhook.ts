import { ENTRY_PAGE_MAX, StoreError, type EntryRow, type ReadModels } from '@countersign/store';
import type { LogProofs } from './log-proof.ts';
import { passingCode, WebhookPost, type WebhookTarget } from './webhook-post.ts';

export interface FindingWebhookOptions {
  readonly store: Pick<ReadModels, 'apply' | 'entries' | 'sidePosition'>;
  readonly proofs: Pick<LogProofs, 'receipt'>;
  readonly origin: string;
  readonly target: WebhookTarget;
  readonly nowMs: () => number;
  /** Between two tries, the first and the longest; and between two looks when there was nothing new. */
  readonly pauses?: {
    readonly firstMs: number;
    readonly longestMs: number;
    readonly idleMs: number;
  };
}

const POSITION = 'finding-webhook';
const PAUSES = { firstMs: 1_000, longestMs: 300_000, idleMs: 1_000 };
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Posts every finding of a log, in its order, each at least once: docs/connectors.md. A reader of its own with a position of
 * its own, so that nothing of the ledger ever waits for who is told.
 *
 * Crash story: the position is saved after the answer. Stopping between the two tells that finding once more.
 */
export class FindingWebhook {
  readonly #options: FindingWebhookOptions;
  readonly #pauses: typeof PAUSES;
  readonly #stopped = new AbortController();
  readonly #post: WebhookPost;
  /** What was looked at and held no finding is not worth a commit each time. */
  #scanned = 0;
  #away: string | undefined;

  constructor(options: FindingWebhookOptions) {
    this.#options = options;
    this.#pauses = options.pauses ?? PAUSES;
    this.#post = new WebhookPost(options.target, options.nowMs, this.#stopped.signal);
  }

  /** Why the next finding is not told yet. */
  get away(): string | undefined {
    return this.#away;
  }

  /** Until it is stopped. */
  async run(): Promise<void> {
    let pauseMs = this.#pauses.firstMs;
    while (!this.#stopped.signal.aborted) {
      try {
        const isIdle = await this.#step();
        this.#away = undefined;
        pauseMs = this.#pauses.firstMs;
        if (isIdle) await this.#post.pause(this.#pauses.idleMs);
      } catch (error) {
        // Another process has told some of them: it goes on from there.
        if (error instanceof StoreError && error.code === 'STORE_MOVED') continue;
        this.#away = passingCode(error);
        await this.#post.pause(pauseMs);
        pauseMs = Math.min(pauseMs * 2, this.#pauses.longestMs);
      }
    }
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** @returns whether there was nothing more */
  async #step(): Promise<boolean> {
    const { store } = this.#options;
    let saved = await store.sidePosition(POSITION);
    const start = Math.max(saved, this.#scanned);
    const rows = await store.entries(start, ENTRY_PAGE_MAX);
    for (const row of rows) {
      if (this.#stopped.signal.aborted) return true;
      if (row.type === 'finding-raised') {
        await this.#tell(row);
        await this.#save(saved, row.index + 1);
        saved = row.index + 1;
      }
      this.#scanned = row.index + 1;
    }
    if (this.#scanned - saved >= ENTRY_PAGE_MAX) await this.#save(saved, this.#scanned);
    return rows.length < ENTRY_PAGE_MAX;
  }

  async #save(from: number, to: number): Promise<void> {
    await this.#options.store.apply({ rows: [], side: [{ topic: POSITION, from, to }] });
  }

  async #tell({ index, leaf, type, bytes }: EntryRow): Promise<void> {
    const { origin, proofs } = this.#options;
    await this.#post.tell({
      v: 'countersign.finding-told.v1',
      origin,
      entry: { index, leaf, type, text: UTF8.decode(bytes) },
      receipt: await proofs.receipt(index),
    });
  }
}
