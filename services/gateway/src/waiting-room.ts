import { GatewayError } from './gateway-error.ts';

/**
 * What we wait for cannot be told that nobody waits any more, so it is asked for this long at a time, and a client
 * that left holds its place there no longer.
 */
const SLICE_MS = 5_000;

export interface WaitingRoomLimits {
  readonly waiters: number;
  readonly waitersUnproven: number;
  readonly waitersPerAddress: number;
  readonly waitersPerSender: number;
}

export interface Waiter {
  /** Whose waiting it counts as. */
  readonly sender: string;
  /** Where it comes from, unless its sender is proved: names cost nothing, addresses do. */
  readonly unprovenAt?: string;
  /** Aborted when the client's connection is gone. */
  readonly gone: AbortSignal;
  readonly waitMs: number;
}

export interface Seat {
  /** Aborted when it is no longer theirs. */
  readonly left: AbortSignal;
  readonly leave: () => void;
}

/** Everybody who waits for an answer of the ledger: bounded, leaving when their connection does. */
export class WaitingRoom {
  readonly #limits: WaitingRoomLimits;
  readonly #perSender = new Tally();
  readonly #perAddress = new Tally();
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
    const seat = this.take(who);
    try {
      const result = await askUntil(seat.left, who.waitMs, ask);
      if (result === undefined && this.#isClosed) throw shuttingDown();
      return result;
    } finally {
      seat.leave();
    }
  }

  /**
   * A seat for as long as its holder keeps it, or until the client is gone or the gateway closes.
   * @throws GatewayError TOO_MANY_WAITERS, SHUTTING_DOWN
   */
  take(who: Omit<Waiter, 'waitMs'>): Seat {
    const seat = this.#enter(who);
    const leave = (): void => {
      who.gone.removeEventListener('abort', leave);
      if (this.#seats.has(seat)) this.#leave(who, seat);
      seat.abort();
    };
    who.gone.addEventListener('abort', leave, { once: true });
    if (who.gone.aborted) leave();
    return { left: seat.signal, leave };
  }

  /** Sends everybody away: they ask again, by the input's digest, once there is a gateway again. */
  close(): void {
    this.#isClosed = true;
    for (const seat of this.#seats) seat.abort();
  }

  #enter(who: Omit<Waiter, 'waitMs'>): AbortController {
    if (this.#isClosed) throw shuttingDown();
    const crowd = this.#crowd(who);
    if (crowd !== undefined) {
      throw new GatewayError('TOO_MANY_WAITERS', `expected fewer requests that wait, ${crowd}`, {
        retryAfterS: 1,
      });
    }
    this.#perSender.add(who.sender);
    if (who.unprovenAt !== undefined) this.#perAddress.add(who.unprovenAt);
    const seat = new AbortController();
    this.#seats.add(seat);
    return seat;
  }

  /** Which bound leaves no seat. Those who have proved who they are always find some that nobody else can take. */
  #crowd({ sender, unprovenAt }: Omit<Waiter, 'waitMs'>): string | undefined {
    const { waiters, waitersUnproven, waitersPerAddress, waitersPerSender } = this.#limits;
    if (this.#perSender.of(sender) >= waitersPerSender) return 'of one sender';
    if (this.#seats.size >= waiters) return 'of everybody';
    if (unprovenAt === undefined) return undefined;
    if (this.#perAddress.of(unprovenAt) >= waitersPerAddress) return 'of one address';
    return this.#perAddress.total >= waitersUnproven ? 'of unproven senders' : undefined;
  }

  #leave({ sender, unprovenAt }: Omit<Waiter, 'waitMs'>, seat: AbortController): void {
    this.#seats.delete(seat);
    this.#perSender.remove(sender);
    if (unprovenAt !== undefined) this.#perAddress.remove(unprovenAt);
  }
}

/** How many there are under each name; names without any are forgotten. */
class Tally {
  readonly #counts = new Map<string, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  add(name: string): void {
    this.#counts.set(name, this.of(name) + 1);
    this.#total += 1;
  }

  remove(name: string): void {
    const left = this.of(name) - 1;
    if (left === 0) this.#counts.delete(name);
    else this.#counts.set(name, left);
    this.#total -= 1;
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
  const gone = onceAborted(left);
  for (let restMs = waitMs; ; restMs -= SLICE_MS) {
    const result = await Promise.race([ask(Math.min(Math.max(restMs, 0), SLICE_MS)), gone]);
    if (result !== undefined || left.aborted || restMs <= SLICE_MS) return result;
  }
}

/** Resolves when the seat is left. */
export function onceAborted(left: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const leave = (): void => {
      resolve(undefined);
    };
    if (left.aborted) leave();
    else left.addEventListener('abort', leave, { once: true });
  });
}
