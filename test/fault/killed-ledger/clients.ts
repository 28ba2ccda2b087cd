import { setTimeout as sleep } from 'node:timers/promises';
import { InvariantBroken } from '../simulator/invariant-broken.ts';
import { Errand, type Asking, type Town } from './errand.ts';

/** Nothing is wrong for so long, and somebody is not answered. A busy machine is not a fault: it has all the time it needs while something is. */
const PATIENCE_MS = 120_000;
const TRIES_SHOWN = 20;

/** Clients of one ledger who do not give up, each with one errand after the other. */
export class Clients {
  readonly #town: Town;
  readonly #asking = new Set<Asking>();
  readonly #abandoned = new AbortController();
  readonly #working = new Set<Promise<void>>();
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(town: Town) {
    this.#town = town;
  }

  start(count: number): void {
    for (let client = 0; client < count; client += 1) {
      const working = this.#work().catch((error: unknown) => {
        this.#failure ??= { error };
      });
      this.#working.add(working);
      void working.then(() => this.#working.delete(working));
    }
  }

  /** Nobody begins another errand. */
  dismiss(): void {
    this.#isOver = true;
  }

  /** Nobody waits for an answer any more either. */
  abandon(): void {
    this.dismiss();
    this.#abandoned.abort();
  }

  /** While nothing is wrong: whoever is asking now is answered. @throws InvariantBroken UNANSWERED; what the first of them met */
  async answered(): Promise<void> {
    const asking = [...this.#asking];
    const untilMs = Date.now() + PATIENCE_MS;
    for (;;) {
      this.throwIfFailed();
      const left = asking.filter((one) => this.#asking.has(one));
      if (left.length === 0) return;
      if (Date.now() > untilMs) throw new InvariantBroken('UNANSWERED', left.map(words).join('\n'));
      await sleep(50);
    }
  }

  /** Once they are dismissed, and nothing is wrong: each errand is done. @throws as `answered` */
  async gone(): Promise<void> {
    while (this.#working.size > 0) {
      await this.answered();
      await sleep(50);
    }
    this.throwIfFailed();
  }

  /** @throws what the first of them met */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #work(): Promise<void> {
    const desk = { asking: this.#asking, over: this.#abandoned.signal };
    while (!this.#isOver) await new Errand(this.#town, desk).run();
  }
}

function words({ path, digest, tried }: Asking): string {
  return [`${path} ${digest}`, ...tried.slice(-TRIES_SHOWN)].join('\n  ');
}
