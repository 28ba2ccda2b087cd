import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import { sleepUnless } from './service.ts';

/** Shorter waits are everyday life. */
const LOOK_EVERY_MS = 250;
/** A long one is told again, for whoever looks at the last lines only. */
const AGAIN_EVERY_MS = 60_000;

export interface Waiting {
  readonly tenant: string;
  readonly shard: number;
  /** What the part does instead of its work. */
  readonly state: string;
  readonly code: string;
  /** What the last attempt ended with, in words of ours. */
  readonly detail?: string;
}

interface Begun {
  readonly waiting: Waiting;
  readonly sinceMs: number;
  readonly toldMs: number;
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

/** Says that a wait has begun, each minute that it lasts, and that it has ended, and counts the time between. */
export class WaitWatch {
  readonly #parts: WaitWatchParts;
  readonly #begun = new Map<string, Begun>();
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
    for (const [key, begun] of this.#begun) {
      this.#seconds?.inc(labelsOf(begun.waiting), Math.max(0, now - this.#lookedMs) / 1000);
      const still = waiting.get(key);
      if (still !== undefined && now - begun.toldMs < AGAIN_EVERY_MS) continue;
      const seconds = Math.round((now - begun.sinceMs) / 100) / 10;
      if (still === undefined) {
        this.#begun.delete(key);
        this.#say('wait_ended', { ...withoutDetail(begun.waiting), seconds }, 'goes on');
      } else {
        this.#begun.set(key, { ...begun, toldMs: now });
        this.#say('wait_lasts', { ...still, seconds }, 'still waits');
      }
    }
    for (const [key, each] of waiting) {
      if (this.#begun.has(key)) continue;
      this.#begun.set(key, { waiting: each, sinceMs: now, toldMs: now });
      this.#waits?.inc(labelsOf(each));
      this.#say('wait_begun', each, 'waits');
    }
    this.#lookedMs = now;
    onLook?.();
  }

  #say(event: string, facts: Waiting & { readonly seconds?: number }, words: string): void {
    this.#parts.logger.warn({ event, ...facts }, words);
  }
}

function withoutDetail({ tenant, shard, state, code }: Waiting): Waiting {
  return { tenant, shard, state, code };
}

function keyOf({ tenant, state, code }: Waiting): string {
  return `${tenant} ${state} ${code}`;
}

function labelsOf({ tenant, code }: Waiting): { tenant: string; code: string } {
  return { tenant, code };
}
