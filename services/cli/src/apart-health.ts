import type { LedgerHealth } from '@countersign/gateway';
import { homingIn } from '@countersign/ledger';
import type { StoreView } from '@countersign/projector';
import { StoreError, type ReadModels } from '@countersign/store';
import type { FoundedData } from './open-data.ts';
import { sleepUnless } from './service.ts';

const LOOK_EVERY_MS = 2_000;

export interface ApartHealthParts {
  readonly data: FoundedData;
  readonly view: Pick<StoreView, 'status'>;
  readonly models: Pick<ReadModels, 'members' | 'entriesOfType'>;
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
      if (await this.#hasMoved()) return { state: 'stopped', code: 'LOG_MOVED' };
      return processes === 0 ? { state: 'stopped', code: 'LEDGER_AWAY' } : { state: 'running' };
    } catch (error) {
      return { state: 'waiting-broker', code: codeOf(error) };
    }
  }

  /** What is sent to a shard that the ledger has left is answered elsewhere, so that nobody here would wait for it in vain. */
  async #hasMoved(): Promise<boolean> {
    const { data, models } = this.#parts;
    const { shard } = data.mark;
    try {
      const homes = await models.members('home');
      if (homes.length === 0 || homes.some(({ id }) => id === String(shard))) return false;
      // While the read models of the new shard are built they come by the old one, too.
      const changes = await models.entriesOfType(['authority-changed'], Number.MAX_SAFE_INTEGER);
      return homingIn(changes, shard).movedTo !== undefined;
    } catch (error) {
      if (error instanceof StoreError) return false;
      throw error;
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
}
