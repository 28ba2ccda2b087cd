import { StoreError, PAGE_ROWS_MAX, type ActionRow, type ReadModels } from '@countersign/store';
import type { LogProofs } from './log-proof.ts';
import { stageOf, type Stage } from './undecided.ts';
import { passingCode, WebhookPost, type WebhookTarget } from './webhook-post.ts';

export interface ReminderWebhookOptions {
  readonly store: Pick<ReadModels, 'actions' | 'entries'>;
  readonly proofs: Pick<LogProofs, 'receipt'>;
  readonly origin: string;
  readonly tenant: string;
  readonly target: WebhookTarget;
  readonly nowMs: () => number;
  /** Between two looks, and between two tries. */
  readonly everyMs?: number;
}

const EVERY_MS = 5_000;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Posts that a request is still undecided: once half of its time is over, and once nine tenths are. Nothing of the ledger depends on it:
 * who is told may decide no more than before.
 *
 * Crash story: what was told is remembered by this process alone. Another one, or the next, tells of what is still open once more;
 * `action_id` and `stage` name what it is.
 */
export class ReminderWebhook {
  readonly #options: ReminderWebhookOptions;
  readonly #stopped = new AbortController();
  readonly #post: WebhookPost;
  /** Of requests that are open: bounded as they are. */
  readonly #told = new Map<string, Stage>();
  #away: string | undefined;

  constructor(options: ReminderWebhookOptions) {
    this.#options = options;
    this.#post = new WebhookPost(options.target, options.nowMs, this.#stopped.signal);
  }

  /** Why the next reminder is not told yet. */
  get away(): string | undefined {
    return this.#away;
  }

  /** Until it is stopped. */
  async run(): Promise<void> {
    const { everyMs = EVERY_MS } = this.#options;
    while (!this.#stopped.signal.aborted) {
      try {
        await this.#look();
        this.#away = undefined;
      } catch (error) {
        this.#away = passingCode(error);
      }
      await this.#post.pause(everyMs);
    }
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #look(): Promise<void> {
    const open = new Set<string>();
    for await (const row of this.#pending()) {
      if (this.#stopped.signal.aborted) return;
      open.add(row.actionId);
      await this.#tellIfDue(row);
    }
    for (const actionId of this.#told.keys()) if (!open.has(actionId)) this.#told.delete(actionId);
  }

  async *#pending(): AsyncGenerator<ActionRow> {
    const { store, tenant } = this.#options;
    let cursor: string | null = null;
    do {
      const page = await store.actions({ tenant, status: 'pending', limit: PAGE_ROWS_MAX, cursor });
      yield* page.rows;
      ({ cursor } = page);
    } while (cursor !== null);
  }

  async #tellIfDue({ actionId, openedAt, decideBy, admissionIndex }: ActionRow): Promise<void> {
    const { store, proofs, origin, nowMs } = this.#options;
    const known = this.#told.get(actionId);
    if (decideBy === null || admissionIndex === null) return;
    // It may have been refused before: then it was heard of before it was asked for, and nothing is due before this says so.
    const soonest = stageOf({ askedAt: openedAt, decideBy }, nowMs());
    if (soonest === undefined || soonest === known) return;
    const [row] = await store.entries(admissionIndex, 1);
    if (row === undefined)
      throw new StoreError('STORE_CORRUPT', 'expected the admission of a request');
    const { index, leaf, type, at, bytes } = row;
    const stage = stageOf({ askedAt: at, decideBy }, nowMs());
    if (stage === undefined || stage === known) return;
    await this.#post.tell({
      v: 'countersign.request-undecided.v1',
      origin,
      stage,
      action_id: actionId,
      decide_by: decideBy,
      entry: { index, leaf, type, text: UTF8.decode(bytes) },
      receipt: await proofs.receipt(index),
    });
    this.#told.set(actionId, stage);
  }
}
