import { afterEach, describe, expect, it } from 'vitest';
import type { Broker } from '@countersign/broker';
import { inputDigest } from '@countersign/ledger';
import { FoundedLedger, entryOf, type Bound, type Tier } from '../support/founded-ledger.ts';
import { auditLog } from '../support/log-audit.ts';
import { TENANT } from '../support/parties.ts';
import { StepBroker, type Fate, type Step } from '../support/step-broker.ts';

let ledger: FoundedLedger | undefined;

afterEach(async () => {
  await ledger?.discard();
  ledger = undefined;
});

/** A ledger whose writer goes through a broker of this test, while everybody else's is sound. */
async function foundedWith(fateOf: (step: Step) => Fate, tier: Tier): Promise<FoundedLedger> {
  ledger = await FoundedLedger.create({ tier });
  const at = ledger;
  at.writer = at.newWriter({ broker: new StepBroker(at.broker, fateOf) });
  at.start();
  return at;
}

/** Starts another writer on what the killed one left. */
function succeed(at: FoundedLedger): void {
  at.projector.stop();
  at.renewServices();
  at.start();
}

interface Case {
  readonly what: string;
  readonly fate: Fate;
}

const STEPS = ['content', 'batch', 'checkpoint'];
const FATES: readonly Fate[] = ['kill-before', 'kill-after', 'lose-reply', 'fail'];
const CASES: Case[] = STEPS.flatMap((what) => FATES.map((fate) => ({ what, fate })));

describe.each<Tier>(['memory', 'sqlite'])('a decision over a %s broker', (tier) => {
  it.each(CASES)('binds once when the $what append meets $fate', async ({ what, fate }) => {
    let armed = false;
    let struck = false;
    const at = await foundedWith((step) => {
      if (!armed || struck || step.what !== what) return 'go';
      struck = true;
      return fate;
    }, tier);
    const asked = await at.admit();
    armed = true;
    const frame = at.parties.decisionFrame(asked.admission);
    await at.submit('decision', asked.actionId, frame);
    await expect.poll(() => struck, { timeout: 5_000 }).toBe(true);
    if (fate.startsWith('kill')) succeed(at);
    const answer = await at.projector.waitForInput(inputDigest(frame), 10_000);
    if (answer === undefined) throw new Error('expected the decision to be answered');
    const binding = entryOf(answer, 'binding-made');
    await at.bind();
    await expectWhole(at.broker, at, binding.index);
    expect(await at.store.content(TENANT, asked.actionId)).toHaveLength(2);
  });

  it.each([...CASES, { what: 'sign', fate: 'kill-before' as const }])(
    'is used once when the $what step meets $fate',
    async ({ what, fate }) => {
      let armed = false;
      let struck = false;
      const strike = (step: string): Fate => {
        if (!armed || struck || step !== what) return 'go';
        struck = true;
        return fate;
      };
      ledger = await FoundedLedger.create({ tier });
      const at = ledger;
      const broker = new StepBroker(at.broker, (step) => strike(step.what));
      const signer = {
        ...at.signer,
        sign: async (message: Uint8Array) => {
          if (strike('sign') !== 'go') broker.kill();
          return broker.isDead ? new Promise<never>(() => undefined) : at.signer.sign(message);
        },
      };
      at.writer = at.newWriter({ broker, signer });
      at.start();
      const bound: Bound = await at.bind();
      armed = true;
      const frame = at.parties.useFrame(bound.binding);
      await at.submit('use', bound.actionId, frame);
      // A use brings no content, so that there is nothing to strike at.
      if (what !== 'content') await expect.poll(() => struck, { timeout: 5_000 }).toBe(true);
      if (fate.startsWith('kill')) succeed(at);
      const answer = await at.projector.waitForInput(inputDigest(frame), 10_000);
      if (answer === undefined) throw new Error('expected the claim to be answered');
      entryOf(answer, 'binding-used');
      const second = await at.use(bound);
      expect(entryOf(second, 'use-refused').text).toContain('"code":"ALREADY_CONSUMED"');
      await expectWhole(at.broker, at, bound.binding.index);
    },
  );
});

async function expectWhole(broker: Broker, at: FoundedLedger, binding: number): Promise<void> {
  const audit = await auditLog(broker, { origin: at.origin, logKeys: [at.signer.vkey] });
  expect(audit.sealedSize).toBe(audit.size);
  expect(audit.published.has(binding)).toBe(true);
  expect(audit.counts.unsignedCheckpoints).toBe(0);
  expect(audit.counts.undecodable).toBe(0);
}
