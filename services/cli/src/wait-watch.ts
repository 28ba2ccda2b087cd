import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import { sleepUnless } from './service.ts';

/** Shorter waits are everyday life. */
const LOOK_EVERY_MS = 250;

export interface Waiting {
  readonly tenant: string;
  readonly shard: number;
  /** What the part does instead of its work. */
  readonly state: string;
  readonly code: string;
}

export interface WaitWatchParts {
  readonly logger: Logger;
  readonly nowMs: () => number;
  /** What waits now, at most once a tenant. */
  readonly read: () => readonly Waiting[];
  /** Also called at each look. */
  readonly onLook?: () => void;
  readonly registry?: Registry;
}

/** Says once that a wait has begun and once that it has ended, and counts the time between. */
export class WaitWatch {
  readonly #parts: WaitWatchParts;
  readonly #begun = new Map<string, { readonly waiting: Waiting; readonly sinceMs: number }>();
  readonly #waits: Counter<'tenant' | 'code'> | undefined;
  readonly #seconds: Counter<'tenant' | 'code'> | undefined;
  #lookedMs: number;

  constructor(parts: WaitWatchParts) {
    const { registry, nowMs } = parts;
    this.#parts = parts;
    this.#lookedMs = nowMs();
    if (registry === undefined) return;
    const labelNames = ['tenant', 'code'] as const;
    const registers = [registry];
    this.#waits = new Counter({
      name: 'countersign_waits_total',
      help: 'Waits for a broker, a signer or a store that have begun, by code',
      labelNames,
      registers,
    });
    this.#seconds = new Counter({
      name: 'countersign_wait_seconds_total',
      help: 'Seconds spent in such waits, by code',
      labelNames,
      registers,
    });
  }

  /** Looks again and again until it is stopped. */
  async run(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      this.look();
      await sleepUnless(LOOK_EVERY_MS, stopped);
    }
  }

  look(): void {
    const { nowMs, read, onLook } = this.#parts;
    const now = nowMs();
    const waiting = new Map(read().map((each) => [keyOf(each), each]));
    for (const [key, { waiting: before, sinceMs }] of this.#begun) {
      this.#seconds?.inc(labelsOf(before), Math.max(0, now - this.#lookedMs) / 1000);
      if (waiting.has(key)) continue;
      this.#begun.delete(key);
      const seconds = Math.round((now - sinceMs) / 100) / 10;
      this.#parts.logger.warn({ event: 'wait_ended', ...before, seconds }, 'goes on');
    }
    for (const [key, each] of waiting) {
      if (this.#begun.has(key)) continue;
      this.#begun.set(key, { waiting: each, sinceMs: now });
      this.#waits?.inc(labelsOf(each));
      this.#parts.logger.warn({ event: 'wait_begun', ...each }, 'waits');
    }
    this.#lookedMs = now;
    onLook?.();
  }
}

function keyOf({ tenant, state, code }: Waiting): string {
  return `${tenant} ${state} ${code}`;
}

function labelsOf({ tenant, code }: Waiting): { tenant: string; code: string } {
  return { tenant, code };
}
