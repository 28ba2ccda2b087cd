import type { LedgerHealth } from '@countersign/gateway';
import type { StoreView } from '@countersign/projector';
import type { FoundedData } from './open-data.ts';
import { sleepUnless } from './service.ts';

const LOOK_EVERY_MS = 2_000;

export interface ApartHealthParts {
  readonly data: FoundedData;
  readonly view: Pick<StoreView, 'status'>;
}

/**
 * What a gateway can know of a ledger whose other parts run elsewhere: that the topics answer, that some process has the
 * writers, and that the read models answer. What a writer waits for, its own process says (`countersign ledger --probe`).
 */
export class ApartHealth {
  readonly #parts: ApartHealthParts;
  #writer: LedgerHealth['writer'] = { state: 'starting' };

  constructor(parts: ApartHealthParts) {
    this.#parts = parts;
  }

  get health(): LedgerHealth {
    const { state, storedSize } = this.#parts.view.status;
    // While the read models do not answer nothing can be read, however many there are.
    const size = state === 'following' ? storedSize : 0;
    const sizes = { sealedSize: size, projectedSize: size, sealedAtMs: null, bindings: null };
    return { ...sizes, writer: this.#writer };
  }

  /** Looks again and again until it is stopped. */
  async watch(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      this.#writer = await this.#writerNow();
      await sleepUnless(LOOK_EVERY_MS, stopped);
    }
  }

  async #writerNow(): Promise<LedgerHealth['writer']> {
    const { broker, backends, mark } = this.#parts.data;
    try {
      await broker.end({ topic: 'intake', partition: mark.shard });
      const processes = await backends.group?.size();
      return processes === 0 ? { state: 'stopped', code: 'LEDGER_AWAY' } : { state: 'running' };
    } catch (error) {
      return { state: 'waiting-broker', code: codeOf(error) };
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
}
