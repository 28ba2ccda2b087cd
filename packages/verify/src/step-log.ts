import type { VerifyCode } from './verify-error.ts';

export interface Step {
  readonly name: string;
  readonly result: 'ok' | 'refused' | 'indeterminate' | 'skipped';
  /** For people; no format. Never content, which may be erased later. */
  readonly detail: string;
}

/** Steps in their order. The first that fails ends the verification, and its code is the outcome's. */
export class StepLog {
  readonly steps: Step[] = [];
  #current = 'evidence';

  /** What is being checked from here on, for the case that it throws. */
  begin(name: string): void {
    this.#current = name;
  }

  ok(detail: string): void {
    this.steps.push({ name: this.#current, result: 'ok', detail });
  }

  skip(detail: string): void {
    this.steps.push({ name: this.#current, result: 'skipped', detail });
  }

  fail(result: 'refused' | 'indeterminate', failure: { code: VerifyCode; message: string }): void {
    const detail = `${failure.code}: ${failure.message}`;
    this.steps.push({ name: this.#current, result, detail });
  }
}
