import type { ReadModels } from '@countersign/store';
import type { FoundedData } from './open-data.ts';
import { sleepUnless } from './service.ts';

const LOOK_EVERY_MS = 2_000;

export interface ProjectorLagParts {
  readonly data: FoundedData;
  readonly store: Pick<ReadModels, 'logPosition'>;
  readonly nowMs: () => number;
}

/** How far the read models are behind the log topic, whichever process writes them. */
export class ProjectorLag {
  readonly #parts: ProjectorLagParts;
  #records: number | undefined;
  #wholeMs: number;
  #away: string | undefined;

  constructor(parts: ProjectorLagParts) {
    this.#parts = parts;
    this.#wholeMs = parts.nowMs();
  }

  /** Undefined before the first look. */
  get records(): number | undefined {
    return this.#records;
  }

  /** Why nobody could look: of a broker or a store that is away, also while there is nothing to do. */
  get away(): string | undefined {
    return this.#away;
  }

  /** Since nothing was missing, as far as anybody could look. */
  get seconds(): number {
    return this.#records === 0 ? 0 : (this.#parts.nowMs() - this.#wholeMs) / 1000;
  }

  async watch(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      await this.#look();
      await sleepUnless(LOOK_EVERY_MS, stopped);
    }
  }

  async #look(): Promise<void> {
    const { data, store, nowMs } = this.#parts;
    try {
      const end = await data.broker.end({ topic: 'log', partition: data.mark.shard });
      const next = (await store.logPosition())?.nextOffset ?? 0;
      this.#records = Math.max(0, end - next);
      this.#away = undefined;
      if (this.#records === 0) this.#wholeMs = nowMs();
    } catch (error) {
      // The seconds go on, and the next look tells.
      this.#away = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
      if (this.#records === 0) this.#records = undefined;
    }
  }
}
