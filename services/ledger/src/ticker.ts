import type { Broker } from '@countersign/broker';
import { tickRecord } from './intake-input.ts';
import type { LedgerClock } from './ledger-clock.ts';
import { Patience, StopSignal } from './patience.ts';

/** How often it is looked whether something is due, and how often a tick is repeated that did nothing yet. */
const TICK_EVERY_MS = 1_000;

export interface TickerOptions {
  readonly broker: Broker;
  readonly clock: LedgerClock;
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
  const { clock, isStopped } = options;
  // Who waits for the broker is told by the writer, which waits for it too.
  const ignored = (): void => undefined;
  const patience = new Patience({ clock, isStopped, onWait: ignored, onDone: ignored });
  try {
    while (!isStopped()) await tick(options, patience);
  } catch (error) {
    if (!(error instanceof StopSignal)) throw error;
  }
}

async function tick(options: TickerOptions, patience: Patience): Promise<void> {
  const { broker, clock, partition } = options;
  const dueInMs = (options.nextDeadlineMs() ?? Infinity) - clock.nowMs();
  if (dueInMs <= 0) {
    await patience.appendRepeatable(() =>
      broker.append({ topic: 'intake', partition }, [tickRecord(clock.nowMs())]),
    );
  }
  await clock.sleep(dueInMs <= 0 ? TICK_EVERY_MS : Math.min(TICK_EVERY_MS, dueInMs));
}
