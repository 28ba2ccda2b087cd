import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker } from '@countersign/broker';
import { expect } from 'vitest';
import { entryOf, type FoundedLedger } from './founded-ledger.ts';
import { auditLog } from './log-audit.ts';
import { StepBroker, type Fate } from './step-broker.ts';

export interface RaceReport {
  readonly inputs: number;
  /** Entries that became part of the log. */
  readonly entries: number;
  /** Batches that came second, and are no part of it. */
  readonly ignored: number;
}

/** Two writers on one log, the second over a broker of its own: both draft on the same head before either appends. */
export async function expectRacesWithoutFork(
  at: FoundedLedger,
  { races, rivalBroker }: { readonly races: number; readonly rivalBroker: Broker },
): Promise<RaceReport> {
  const slow = (broker: Broker): StepBroker =>
    new StepBroker(broker, async ({ what }): Promise<Fate> => {
      if (what === 'batch') await sleep(2);
      return 'go';
    });
  at.writer = at.newWriter({ broker: slow(at.broker) });
  at.start();
  const rival = at.newWriter({ broker: slow(rivalBroker) });
  const running = rival.run();
  running.catch(() => undefined);
  try {
    // Writers that decide the same inputs come to the same bytes: either record is the batch, the other nothing.
    let answered = 0;
    while (rival.counts.ignoredBatches < races) {
      const asked = await at.admit();
      const denial = await at.decide(asked, { verdict: 'deny' });
      entryOf(denial, 'request-denied');
      answered += 2;
    }
    const audit = await auditLog(at.broker, { origin: at.origin, logKeys: [at.signer.vkey] });
    const withInput = audit.entries.filter((entry) => 'input' in entry);
    expect(withInput).toHaveLength(answered);
    expect(audit.sealedSize).toBe(audit.size);
    expect(audit.counts.ignoredBatches).toBeGreaterThanOrEqual(races);
    expect(at.writer.status.state).toBe('running');
    expect(rival.status.state).toBe('running');
    // The audit has thrown for a fork, a gap, or two signed heads of one size.
    const { size: entries, counts } = audit;
    return { inputs: answered, entries, ignored: counts.ignoredBatches };
  } finally {
    rival.stop();
    await Promise.allSettled([running]);
  }
}
