import { afterEach, describe, expect, it } from 'vitest';
import type { Broker } from '@countersign/broker';
import { inputDigest } from '@countersign/ledger';
import type { InputAnswer } from '@countersign/projector';
import { FoundedLedger, entryOf, type Bound, type Tier } from '../support/founded-ledger.ts';
import { auditLog } from '../support/log-audit.ts';
import { TENANT } from '../support/parties.ts';
import { StepBroker, type Fate } from '../support/step-broker.ts';

let ledger: FoundedLedger | undefined;

afterEach(async () => {
  await ledger?.discard();
  ledger = undefined;
});

interface Struck {
  readonly at: FoundedLedger;
  /** From now on, the step is waited for. */
  readonly arm: () => void;
  /** Resolves once it was struck. */
  readonly struck: () => Promise<void>;
}

/** A ledger whose writer meets this fate at that step, while everybody else's broker is sound. */
async function foundedWith({ what, fate }: Case, tier: Tier): Promise<Struck> {
  let isArmed = false;
  let isStruck = false;
  const strike = (step: string): Fate => {
    if (!isArmed || isStruck || step !== what) return 'go';
    isStruck = true;
    return fate;
  };
  ledger = await FoundedLedger.create({ tier });
  const at = ledger;
  const broker = new StepBroker(at.broker, (step) => strike(step.what));
  const signer = {
    ...at.signer,
    sign: async (message: Uint8Array) => {
      const met = strike('sign');
      const signed = met === 'kill-before' ? undefined : await at.signer.sign(message);
      if (met !== 'go') broker.kill();
      return signed === undefined || broker.isDead ? new Promise<never>(() => undefined) : signed;
    },
  };
  at.writer = at.newWriter({ broker, signers: [signer] });
  at.start();
  return {
    at,
    arm: () => {
      isArmed = true;
    },
    struck: () => expect.poll(() => isStruck, { timeout: 5_000 }).toBe(true),
  };
}

/** Starts another writer on what the killed one left. */
function succeed(at: FoundedLedger): void {
  at.projector.stop();
  at.renewServices();
  at.start();
}

async function answerTo(at: FoundedLedger, frame: Uint8Array): Promise<InputAnswer> {
  const answer = await at.projector.waitForInput(inputDigest(frame), 10_000);
  if (answer === undefined) throw new Error('expected an answer');
  return answer;
}

interface Case {
  readonly what: string;
  readonly fate: Fate;
}

const FATES: readonly Fate[] = ['kill-before', 'kill-after', 'lose-reply', 'fail'];
const CASES: Case[] = [
  ...['content', 'batch', 'checkpoint'].flatMap((what) => FATES.map((fate) => ({ what, fate }))),
  { what: 'sign', fate: 'kill-before' },
  { what: 'sign', fate: 'kill-after' },
];

describe.each<Tier>(['memory', 'sqlite'])('a writer over a %s broker', (tier) => {
  it.each(CASES)('C13: binds once when the $what step meets $fate', async (struckBy) => {
    const { at, arm, struck } = await foundedWith(struckBy, tier);
    const asked = await at.admit();
    arm();
    const frame = at.parties.decisionFrame(asked.admission);
    await at.submit('decision', asked.actionId, frame);
    await struck();
    if (struckBy.fate.startsWith('kill')) succeed(at);
    const binding = entryOf(await answerTo(at, frame), 'binding-made');
    await at.bind();
    await expectWhole(at.broker, at, binding.index);
    expect(await at.store.content(TENANT, asked.actionId)).toHaveLength(2);
  });

  // A use brings no content, so that there is nothing to strike at.
  it.each(CASES.filter(({ what }) => what !== 'content'))(
    'C13: records one use when the $what step meets $fate',
    async (struckBy) => {
      const { at, arm, struck } = await foundedWith(struckBy, tier);
      const bound: Bound = await at.bind();
      arm();
      const frame = at.parties.useFrame(bound.binding);
      await at.submit('use', bound.actionId, frame);
      await struck();
      if (struckBy.fate.startsWith('kill')) succeed(at);
      entryOf(await answerTo(at, frame), 'binding-used');
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
