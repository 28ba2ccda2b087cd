import { setTimeout as sleep } from 'node:timers/promises';

/** The machine's clock, which a test may put forward. */
export class ShiftedClock {
  #shiftMs = 0;

  nowMs(): number {
    return Date.now() + this.#shiftMs;
  }

  async sleep(ms: number): Promise<void> {
    await sleep(ms);
  }

  forward(ms: number): void {
    this.#shiftMs += ms;
  }
}
