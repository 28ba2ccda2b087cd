import { createHmac } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { canonicalText } from '@countersign/canonical';
import { ENTRY_PAGE_MAX, StoreError, type EntryRow, type ReadModels } from '@countersign/store';
import type { LogProofs } from './log-proof.ts';
import { ProjectorError } from './projector-error.ts';

/** Who is told, and the secret that whoever is told knows us by. */
export interface WebhookTarget {
  readonly url: string;
  readonly secret: Uint8Array;
}

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
const ANSWER_WITHIN_MS = 10_000;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** The receiver is not there, or does not take it: tried again. */
class ReceiverAway extends Error {
  override readonly name = 'ReceiverAway';
  readonly code: 'WEBHOOK_REFUSED' | 'WEBHOOK_UNREACHABLE';

  constructor(code: ReceiverAway['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

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
  /** What was looked at and held no finding is not worth a commit each time. */
  #scanned = 0;
  #away: string | undefined;

  constructor(options: FindingWebhookOptions) {
    this.#options = options;
    this.#pauses = options.pauses ?? PAUSES;
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
        if (isIdle) await this.#pause(this.#pauses.idleMs);
      } catch (error) {
        // Another process has told some of them: it goes on from there.
        if (error instanceof StoreError && error.code === 'STORE_MOVED') continue;
        this.#away = codeOf(error);
        await this.#pause(pauseMs);
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
    const { origin, proofs, target, nowMs } = this.#options;
    const body = canonicalText({
      v: 'countersign.finding-told.v1',
      origin,
      entry: { index, leaf, type, text: UTF8.decode(bytes) },
      receipt: await proofs.receipt(index),
    });
    const time = Math.floor(nowMs() / 1000);
    const mac = createHmac('sha256', target.secret).update(`${time}.${body}`).digest('hex');
    const response = await this.#post(body, `t=${time},v1=${mac}`);
    await response.body?.cancel();
    if (response.ok) return;
    throw new ReceiverAway('WEBHOOK_REFUSED', `expected status 2xx, got ${response.status}`);
  }

  async #post(body: string, signature: string): Promise<Response> {
    const within = AbortSignal.timeout(ANSWER_WITHIN_MS);
    try {
      return await fetch(this.#options.target.url, {
        method: 'POST',
        // Whoever is told is who was configured, and nobody that they name.
        redirect: 'error',
        headers: { 'content-type': 'application/json', 'countersign-signature': signature },
        body,
        signal: AbortSignal.any([this.#stopped.signal, within]),
      });
    } catch (cause) {
      throw new ReceiverAway('WEBHOOK_UNREACHABLE', 'expected an answer', { cause });
    }
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopped;
    await delay(ms, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

function codeOf(error: unknown): string {
  const isPassing =
    error instanceof ReceiverAway || error instanceof StoreError || error instanceof ProjectorError;
  if (!isPassing) throw error;
  return error.code;
}
