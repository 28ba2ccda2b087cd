import { afterEach, describe, expect, it } from 'vitest';
import { evidenceOutcome } from '../support/evidence-outcome.ts';
import { FoundedLedger, entryOf } from '../support/founded-ledger.ts';
import { TENANT } from '../support/parties.ts';

let ledger: FoundedLedger | undefined;

afterEach(async () => {
  await ledger?.discard();
  ledger = undefined;
});

async function started(options = {}): Promise<FoundedLedger> {
  ledger = await FoundedLedger.create(options);
  ledger.start();
  return ledger;
}

async function stored(at: FoundedLedger): Promise<void> {
  expect(await at.projector.waitForStored(at.writer.status.acceptedSize, 5_000)).toBe(true);
}

/** Where a broker keeps values in files of its own: at once. How Kafka does it, test/kafka shows. */
describe('erasure', () => {
  it('removes the content everywhere and leaves evidence that still verifies', async () => {
    const at = await started({ tier: 'sqlite' });
    const kept = await at.bind();
    const bound = await at.bind();
    await stored(at);
    expect(await at.store.content(TENANT, bound.actionId)).toHaveLength(2);
    const answer = await at.ask('erasure', bound.actionId, at.parties.erasureFrame(bound.actionId));
    entryOf(answer, 'content-erased');
    await stored(at);
    await at.stop();
    expect(at.writer.counts.erasures).toBe(1);
    expect(await at.store.content(TENANT, bound.actionId)).toEqual([]);
    for (const topic of ['content', 'intake'] as const) {
      const records = await at.broker.read({ topic, partition: 0 }, 0, 1_000);
      const ofAction = records.filter(({ key }) => key === `${TENANT}/${bound.actionId}`);
      expect(ofAction.length).toBeGreaterThan(0);
      expect(ofAction.every(({ value }) => value === null)).toBe(true);
      const ofOther = records.filter(({ key }) => key === `${TENANT}/${kept.actionId}`);
      expect(ofOther.some(({ value }) => value === null)).toBe(false);
    }
    expect(await evidenceOutcome(at, bound.actionId)).toMatchObject({ outcome: 'VALID' });
    expect(await evidenceOutcome(at, kept.actionId)).toMatchObject({ outcome: 'VALID' });
  });

  it('is carried out at the next start when the writer stopped before it', async () => {
    const at = await started();
    const bound = await at.bind();
    const erase = at.broker.erase.bind(at.broker);
    at.broker.erase = () => new Promise(() => undefined);
    await at.ask('erasure', bound.actionId, at.parties.erasureFrame(bound.actionId));
    at.broker.erase = erase;
    // The first writer hangs within its erasure for ever, as one that was killed there would.
    at.projector.stop();
    at.renewServices();
    at.start();
    await at.bind();
    const records = await at.broker.read({ topic: 'content', partition: 0 }, 0, 1_000);
    const ofAction = records.filter(({ key }) => key === `${TENANT}/${bound.actionId}`);
    expect(ofAction.every(({ value }) => value === null)).toBe(true);
  });
});
