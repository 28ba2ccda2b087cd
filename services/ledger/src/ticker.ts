import type { Broker } from '@countersign/broker';
import { tickRecord } from './intake-input.ts';
import type { LedgerClock } from './ledger-clock.ts';
import type { Patience } from './patience.ts';

/** How often it is looked whether something is due, and how often a tick is repeated that did nothing yet. */
const TICK_EVERY_MS = 1_000;

export interface TickerOptions {
  readonly broker: Broker;
  readonly clock: LedgerClock;
  readonly patience: Patience;
  readonly nextDeadlineMs: () => number | undefined;
  readonly isStopped: () => boolean;
  readonly partition: number;
}

/**
 * Appends a tick to the intake when something is due, so that an idle shard expires too. Time itself is
 * the append time of the tick: a lost or a doubled one changes nothing, since every input sweeps what is
 * due before it is decided.
 */
export async function runTicker(options: TickerOptions): Promise<void> {
  const { broker, clock, patience, partition } = options;
  while (!options.isStopped()) {
    const dueInMs = (options.nextDeadlineMs() ?? Infinity) - clock.nowMs();
    if (dueInMs <= 0) {
      await patience.appendRepeatable(() =>
        broker.append({ topic: 'intake', partition }, [tickRecord()]),
      );
    }
    const waitMs = dueInMs <= 0 ? TICK_EVERY_MS : Math.min(TICK_EVERY_MS, dueInMs);
    await clock.sleep(waitMs);
  }
}
