import { afterEach, describe, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Writer } from '@countersign/ledger';
import { FoundedLedger, entryOf } from '../support/founded-ledger.ts';
import { SeededRandom } from '@countersign/broker/testing';
import { auditLog } from '../support/log-audit.ts';
import { StepBroker, type Fate } from '../support/step-broker.ts';
import { expectRacesWithoutFork } from '../support/writer-race.ts';

const RACES = 500;
const LOSSES = 50;

let ledger: FoundedLedger | undefined;
let others: { writer: Writer; running: Promise<void> }[] = [];

afterEach(async () => {
  for (const { writer } of others) writer.stop();
  await Promise.allSettled(others.map(({ running }) => running));
  others = [];
  await ledger?.discard();
  ledger = undefined;
});

function alongside(at: FoundedLedger, writer = at.newWriter()): Writer {
  const running = writer.run();
  running.catch(() => undefined);
  others.push({ writer, running });
  return writer;
}

describe('two writers on one log', () => {
  it(`race ${RACES} times, and never fork it`, { timeout: 300_000 }, async () => {
    ledger = await FoundedLedger.create();
    await expectRacesWithoutFork(ledger, { races: RACES, rivalBroker: ledger.broker });
  });

  it('go on from each other when their batches differ', async () => {
    ledger = await FoundedLedger.create();
    const at = ledger;
    const random = new SeededRandom(1);
    const uneven = (): StepBroker =>
      new StepBroker(at.broker, async ({ what }): Promise<Fate> => {
        if (what === 'batch') await sleep(random.below(6));
        return 'go';
      });
    at.writer = at.newWriter({ broker: uneven() });
    at.start();
    const rival = alongside(at, at.newWriter({ broker: uneven() }));
    const lost = (): number => at.writer.counts.lostBatches + rival.counts.lostBatches;
    let answered = 0;
    const worker = async (): Promise<void> => {
      while (lost() < LOSSES) {
        const asked = await at.admit();
        entryOf(await at.decide(asked, { verdict: 'deny' }), 'request-denied');
        answered += 2;
        await sleep(random.below(4));
      }
    };
    await Promise.all(Array.from({ length: 12 }, worker));
    const audit = await auditLog(at.broker, { origin: at.origin, logKeys: [at.signer.vkey] });
    expect(audit.entries.filter((entry) => 'input' in entry)).toHaveLength(answered);
    expect(audit.sealedSize).toBe(audit.size);
  });

  it('seal what the other one left unsealed', async () => {
    ledger = await FoundedLedger.create();
    const at = ledger;
    const broker = new StepBroker(at.broker, () => 'go');
    // Signs nothing, ever: its batches are accepted, and somebody else must seal them.
    const signer = { ...at.signer, sign: () => new Promise<never>(() => undefined) };
    const mute = at.newWriter({ broker, signers: [signer] });
    const running = mute.run();
    running.catch(() => undefined);
    await expect.poll(() => mute.status.state, { timeout: 5_000 }).toBe('starting');
    await sleep(50);
    at.start();
    const bound = await at.bind();
    broker.kill();
    const audit = await auditLog(at.broker, { origin: at.origin, logKeys: [at.signer.vkey] });
    expect(audit.published.has(bound.binding.index)).toBe(true);
  });
});
