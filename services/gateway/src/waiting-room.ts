import { GatewayError } from './gateway-error.ts';

/**
 * What we wait for cannot be told that nobody waits any more, so it is asked for this long at a time, and a client
 * that left holds its place there no longer.
 */
const SLICE_MS = 5_000;

export interface WaitingRoomLimits {
  readonly waiters: number;
  readonly waitersPerSender: number;
}

export interface Waiter {
  /** Whose waiting it counts as. */
  readonly sender: string;
  /** Aborted when the client's connection is gone. */
  readonly gone: AbortSignal;
  readonly waitMs: number;
}

/** Everybody who waits for an answer of the ledger: bounded, leaving when their connection does. */
export class WaitingRoom {
  readonly #limits: WaitingRoomLimits;
  readonly #perSender = new Map<string, number>();
  readonly #seats = new Set<AbortController>();
  #isClosed = false;

  constructor(limits: WaitingRoomLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#seats.size;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Waits as one of them; undefined when the time is over or the client is gone.
   * @throws GatewayError TOO_MANY_WAITERS; SHUTTING_DOWN when the gateway closes meanwhile
   */
  async wait<T>(
    who: Waiter,
    ask: (timeoutMs: number) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const seat = this.#enter(who.sender);
    const leave = (): void => {
      seat.abort();
    };
    who.gone.addEventListener('abort', leave, { once: true });
    if (who.gone.aborted) leave();
    try {
      const result = await askUntil(seat.signal, who.waitMs, ask);
      if (result === undefined && this.#isClosed) throw shuttingDown();
      return result;
    } finally {
      who.gone.removeEventListener('abort', leave);
      this.#leave(who.sender, seat);
    }
  }

  /** Sends everybody away: they ask again, by the input's digest, once there is a gateway again. */
  close(): void {
    this.#isClosed = true;
    for (const seat of this.#seats) seat.abort();
  }

  #enter(sender: string): AbortController {
    if (this.#isClosed) throw shuttingDown();
    const waiting = this.#perSender.get(sender) ?? 0;
    if (this.#seats.size >= this.#limits.waiters || waiting >= this.#limits.waitersPerSender) {
      throw new GatewayError('TOO_MANY_WAITERS', 'expected fewer requests that wait at once', {
        retryAfterS: 1,
      });
    }
    this.#perSender.set(sender, waiting + 1);
    const seat = new AbortController();
    this.#seats.add(seat);
    return seat;
  }

  #leave(sender: string, seat: AbortController): void {
    this.#seats.delete(seat);
    const waiting = (this.#perSender.get(sender) ?? 1) - 1;
    if (waiting === 0) this.#perSender.delete(sender);
    else this.#perSender.set(sender, waiting);
  }
}

export function shuttingDown(): GatewayError {
  return new GatewayError('SHUTTING_DOWN', 'this gateway is stopping; ask again', {
    retryAfterS: 1,
  });
}

async function askUntil<T>(
  left: AbortSignal,
  waitMs: number,
  ask: (timeoutMs: number) => Promise<T | undefined>,
): Promise<T | undefined> {
  const gone = new Promise<undefined>((resolve) => {
    const leave = (): void => {
      resolve(undefined);
    };
    if (left.aborted) leave();
    else left.addEventListener('abort', leave, { once: true });
  });
  for (let restMs = waitMs; ; restMs -= SLICE_MS) {
    const result = await Promise.race([ask(Math.min(Math.max(restMs, 0), SLICE_MS)), gone]);
    if (result !== undefined || left.aborted || restMs <= SLICE_MS) return result;
  }
}
