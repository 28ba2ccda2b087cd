import { Errand, type Town } from './errand.ts';

/** Clients of one ledger who do not give up, each with one errand after the other. */
export class Clients {
  readonly #town: Town;
  #working: Promise<void>[] = [];
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(town: Town) {
    this.#town = town;
  }

  start(count: number): void {
    this.#working = Array.from({ length: count }, () =>
      this.#work().catch((error: unknown) => {
        this.#failure ??= { error };
      }),
    );
  }

  /** Nobody begins another errand. */
  dismiss(): void {
    this.#isOver = true;
  }

  /** Once they are dismissed: whoever is not answered yet is waited for. @throws what the first of them met */
  async gone(): Promise<void> {
    await Promise.all(this.#working);
    this.throwIfFailed();
  }

  /** @throws what the first of them met */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #work(): Promise<void> {
    while (!this.#isOver) await new Errand(this.#town).run();
  }
}
