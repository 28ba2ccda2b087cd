import type { LogSigner } from './backends.ts';
import { sleepUnless } from './service.ts';

/** Each costs what a request to KMS costs; an alarm that waits two minutes needs no more. */
const IDLE_MS = 15_000;
const AGAIN_MS = 2_000;

export interface SignerWatchParts {
  readonly signers: readonly LogSigner[];
  readonly nowMs: () => number;
  /** Of each question: ok, or the code of what came of it. */
  readonly onCheck: (outcome: string) => void;
}

/**
 * Asks a signer that nobody asked for a while whether it is there: a ledger without work would else be called well until the
 * first decision waits. Whatever it answers stops nothing: that is for the next signature to do.
 */
export class SignerWatch {
  /** The same signers, whose signatures are answers too. */
  readonly signers: readonly LogSigner[];
  readonly #parts: SignerWatchParts;
  #away: string | undefined;
  #answeredMs: number;

  constructor(parts: SignerWatchParts) {
    this.#parts = parts;
    this.#answeredMs = parts.nowMs();
    this.signers = parts.signers.map((signer) => this.#heard(signer));
  }

  /** The code it was away with when it was asked last. */
  get away(): string | undefined {
    return this.#away;
  }

  /** Looks again and again until it is stopped. */
  async run(stopped: AbortSignal): Promise<void> {
    const { signers, nowMs } = this.#parts;
    if (signers.every(({ check }) => check === undefined)) return;
    this.#answered(undefined);
    while (!stopped.aborted) {
      const everyMs = this.#away === undefined ? IDLE_MS : AGAIN_MS;
      const leftMs = everyMs - (nowMs() - this.#answeredMs);
      // A clock that jumps makes no wait longer.
      if (leftMs > 0) await sleepUnless(Math.min(leftMs, everyMs), stopped);
      else await this.#ask();
    }
  }

  async #ask(): Promise<void> {
    const { signers, onCheck } = this.#parts;
    const outcomes = await Promise.all(signers.map(outcomeOf));
    for (const outcome of outcomes) onCheck(outcome ?? 'ok');
    this.#answered(outcomes.find((outcome) => outcome !== undefined));
  }

  #answered(away: string | undefined): void {
    this.#away = away;
    this.#answeredMs = this.#parts.nowMs();
  }

  #heard(signer: LogSigner): LogSigner {
    return {
      ...signer,
      sign: async (message) => {
        const signature = await signer.sign(message);
        this.#answered(undefined);
        return signature;
      },
    };
  }
}

/** Undefined where all is well. */
async function outcomeOf({ check }: LogSigner): Promise<string | undefined> {
  try {
    await check?.();
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
  }
}
