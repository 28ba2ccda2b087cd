import type { Static } from 'typebox';
import type { ActionSchema } from './answer-schema.ts';
import type { Gateway } from './gateway-app.ts';
import { onceAborted, type Seat } from './waiting-room.ts';

/** What a proxy in between takes for a dead connection is longer. */
const KEEP_ALIVE_MS = 15_000;

export interface ActionWatch {
  readonly gateway: Gateway;
  readonly tenant: string;
  readonly actionId: string;
  /** Index of the last entry that the reader knows of. */
  readonly since: number;
  readonly read: () => Promise<Static<typeof ActionSchema>>;
  /** Held until the stream ends. */
  readonly seat: Seat;
}

/**
 * The text of a stream of server-sent events: one with the action as it stands, as soon as it has an entry beyond `since`,
 * and one at each later entry, and when a freeze ends it. It ends after a while, when the reader is gone and when the gateway
 * closes: whoever watches goes on with `Last-Event-ID`, here or at another gateway, and misses nothing.
 */
export async function* actionEvents(watch: ActionWatch): AsyncGenerator<string> {
  const { gateway, tenant, actionId, read, seat } = watch;
  const { nowMs, view } = gateway.deps;
  const untilMs = nowMs() + gateway.limits.watchMs;
  const left = onceAborted(seat.left);
  try {
    let isEnded = false;
    for (let since = watch.since; !seat.left.aborted && nowMs() < untilMs;) {
      const action = await read();
      // A freeze ends it without an entry of its own.
      const hasEnded: boolean = action.status === 'epoch-ended' && !isEnded;
      if (action.last_index > since || hasEnded) {
        isEnded ||= hasEnded;
        since = action.last_index;
        yield `id: ${since}\nevent: action\ndata: ${JSON.stringify(action)}\n\n`;
      }
      const forMs = Math.min(KEEP_ALIVE_MS, Math.max(0, untilMs - nowMs()));
      const news = view.waitForAction({ tenant, actionId, since }, forMs);
      if ((await Promise.race([news, left])) === undefined) yield ': still here\n\n';
    }
  } finally {
    seat.leave();
  }
}
