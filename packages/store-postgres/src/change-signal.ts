import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreSignal } from '@countersign/store';
import type { Client } from 'pg';

/** How late a change is told whose word was lost. */
const LOST_WORD_MS = 250;
const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 5_000;

export interface ChangeSignalOptions {
  readonly newClient: () => Client;
  /** A plain name: it goes into a statement as it is. */
  readonly channel: string;
}

/** Hears NOTIFY on a connection of its own while somebody listens, and does not depend on it. */
export class ChangeSignal implements StoreSignal {
  readonly #options: ChangeSignalOptions;
  readonly #listeners = new Set<() => void>();
  #hearing: { readonly stopped: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(options: ChangeSignalOptions) {
    this.#options = options;
  }

  onChange(listener: () => void): () => void {
    // One function may listen twice, and each ends its own.
    const own = (): void => {
      listener();
    };
    this.#listeners.add(own);
    this.#hearing ??= this.#start();
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) void this.#stop();
    };
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#stop();
  }

  #start(): { stopped: AbortController; ended: Promise<void> } {
    const stopped = new AbortController();
    const timer = setInterval(() => {
      this.#tell();
    }, LOST_WORD_MS);
    const ended = this.#hearForEver(stopped.signal).finally(() => {
      clearInterval(timer);
    });
    return { stopped, ended };
  }

  async #stop(): Promise<void> {
    const hearing = this.#hearing;
    this.#hearing = undefined;
    hearing?.stopped.abort();
    await hearing?.ended;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  async #hearForEver(stopped: AbortSignal): Promise<void> {
    let backoffMs = BACKOFF_FIRST_MS;
    while (!stopped.aborted) {
      const hasHeard = await this.#hear(stopped);
      backoffMs = hasHeard ? BACKOFF_FIRST_MS : Math.min(backoffMs * 2, BACKOFF_MAX_MS);
      await sleep(backoffMs, undefined, { signal: stopped }).catch(() => undefined);
    }
  }

  /** Until the connection ends. Whatever ends it is the same to us: changes are told late until the next one. */
  async #hear(stopped: AbortSignal): Promise<boolean> {
    const client = this.#options.newClient();
    const ended = new Promise((resolve) => client.once('end', resolve));
    const end = (): void => {
      void client.end().catch(() => undefined);
    };
    client.on('notification', () => {
      this.#tell();
    });
    try {
      await client.connect();
      await client.query(`listen ${this.#options.channel}`);
    } catch {
      end();
      return false;
    }
    stopped.addEventListener('abort', end, { once: true });
    if (stopped.aborted) end();
    // What was changed before the first word can come.
    this.#tell();
    await ended;
    stopped.removeEventListener('abort', end);
    return true;
  }
}
