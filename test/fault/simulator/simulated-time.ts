import type { LedgerClock } from '@countersign/ledger';
import type { Schedule } from './schedule.ts';

/** True time, which nobody in the simulation can read but through a clock of their own. */
export class SimulatedTime {
  nowMs: number;
  /** How far the broker's clock is off. */
  brokerSkewMs = 0;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  get brokerNowMs(): number {
    return this.nowMs + this.brokerSkewMs;
  }

  advance(ms: number): void {
    this.nowMs += ms;
  }
}

/** The clock of one process: it may be off, and jump. Pauses are true. */
export class SimulatedClock implements LedgerClock {
  skewMs = 0;
  readonly #parts: {
    readonly owner: string;
    readonly time: SimulatedTime;
    readonly schedule: Schedule;
  };

  constructor(parts: {
    readonly owner: string;
    readonly time: SimulatedTime;
    readonly schedule: Schedule;
  }) {
    this.#parts = parts;
  }

  nowMs(): number {
    return this.#parts.time.nowMs + this.skewMs;
  }

  sleep(ms: number): Promise<void> {
    const { owner, time, schedule } = this.#parts;
    const wakeMs = time.nowMs + Math.max(0, ms);
    return new Promise((resolve) => {
      schedule.add({
        owner,
        label: 'sleep',
        wakeMs,
        isReady: () => time.nowMs >= wakeMs,
        run: () => {
          resolve();
          return 'woke';
        },
      });
    });
  }
}
