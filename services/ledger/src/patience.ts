import { BrokerError } from '@countersign/broker';
import { LedgerError } from '@countersign/log-reader';
import { SignerError, TlogError } from '@countersign/tlog';
import type { LedgerClock } from './ledger-clock.ts';

const BACKOFF_FIRST_MS = 20;
const BACKOFF_MAX_MS = 5_000;

/** The loop was told to stop while it waited for a broker or a signer. */
export class StopSignal extends Error {
  override readonly name = 'StopSignal';
}

/** After an append whose outcome nobody knows: the tail is to be read before anything is written again. */
export class UnknownOutcome extends Error {
  override readonly name = 'UnknownOutcome';
}

export interface PatienceOptions {
  readonly clock: LedgerClock;
  readonly isStopped: () => boolean;
  readonly onWait: (whom: 'waiting-signer' | 'waiting-broker', code: string) => void;
  readonly onDone: () => void;
}

/**
 * Waits out what is away, as long as it takes: while the broker or the signer is away nothing binds, and
 * nothing else is tried instead. Only the pauses are bounded.
 */
export class Patience {
  readonly #options: PatienceOptions;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** A call without effect, which may be repeated whatever became of it. */
  async read<T>(call: () => Promise<T>): Promise<T> {
    return this.#persist(call, (error) => {
      if (!(error instanceof BrokerError)) return undefined;
      return error.kind === 'fatal' ? undefined : ['waiting-broker', error.code];
    });
  }

  /**
   * An append. It is repeated only when it had no effect.
   *
   * @throws UnknownOutcome when nobody knows
   */
  async append<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await this.#persist(call, (error) => {
        if (!(error instanceof BrokerError) || error.kind !== 'retryable') return undefined;
        return ['waiting-broker', error.code];
      });
    } catch (error) {
      if (error instanceof BrokerError && error.kind === 'indefinite') {
        throw new UnknownOutcome('an append whose outcome is unknown', { cause: error });
      }
      throw error;
    }
  }

  /** An append of what may be there twice, so that an unknown outcome is no reason to leave it out. */
  async appendRepeatable<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await this.append(call);
      } catch (error) {
        if (!(error instanceof UnknownOutcome)) throw error;
        await this.pause();
      }
    }
  }

  /**
   * A signature. A signer that is away comes back; one that is not ours, or that says so itself, never will.
   */
  async sign<T>(call: () => Promise<T>): Promise<T> {
    return this.#persist(call, (error) => {
      if (error instanceof TlogError || error instanceof LedgerError) return undefined;
      if (error instanceof SignerError && error.kind === 'fatal') return undefined;
      return ['waiting-signer', codeOf(error)];
    });
  }

  /** Before something is tried again whose outcome is unknown. */
  async pause(): Promise<void> {
    const { clock, isStopped } = this.#options;
    if (isStopped()) throw new StopSignal('stopped while waiting');
    await clock.sleep(BACKOFF_FIRST_MS);
  }

  async #persist<T>(
    call: () => Promise<T>,
    waitFor: (error: unknown) => ['waiting-signer' | 'waiting-broker', string] | undefined,
  ): Promise<T> {
    const { clock, isStopped, onWait, onDone } = this.#options;
    let backoffMs = BACKOFF_FIRST_MS;
    let isWaiting = false;
    try {
      for (;;) {
        try {
          return await call();
        } catch (error) {
          const waiting = waitFor(error);
          if (waiting === undefined) throw error;
          if (isStopped()) throw new StopSignal('stopped while waiting', { cause: error });
          isWaiting = true;
          onWait(...waiting);
          await clock.sleep(backoffMs);
          backoffMs = Math.min(backoffMs * 2, BACKOFF_MAX_MS);
          if (isStopped()) throw new StopSignal('stopped while waiting', { cause: error });
        }
      }
    } finally {
      // Also when the call ends in another error: whoever handles that one waits for nobody any more.
      if (isWaiting) onDone();
    }
  }
}

/** The stable code of an error, for a status: never its message. */
export function codeOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error) {
    return typeof error.code === 'string' ? error.code : 'UNKNOWN';
  }
  return 'UNKNOWN';
}
