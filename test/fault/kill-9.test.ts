import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KilledLedger } from './killed-ledger/killed-ledger.ts';
import type { Audited, Told } from './killed-ledger/topic-audit.ts';
import { SignedTruth } from './simulator/signed-truth.ts';

const CYCLES = Number(process.env['COUNTERSIGN_KILL_CYCLES'] ?? 25);
const CLIENTS = 8;
const CYCLE_MS_MAX = 60_000;

describe('countersign serve under load', () => {
  let killed: KilledLedger;

  beforeAll(async () => {
    killed = await KilledLedger.found();
  }, 180_000);

  afterAll(async () => {
    await killed.discard();
  });

  it(
    `loses, doubles and forks nothing in ${CYCLES} kills`,
    async () => {
      killed.clients.start(CLIENTS);
      for (let cycle = 0; cycle < CYCLES; cycle += 1) await killed.liveAndDie();
      const audited = await killed.liveOn();
      report(killed, audited);
      // Each audit has thrown for what is lost, doubled or forked; this is what they had to look at.
      expect(killed.town.told.length).toBeGreaterThan(CYCLES);
      expect(countOf(audited, 'binding-used')).toBeGreaterThan(0);
      expect(killed.town.counts.get('sent again')).toBeGreaterThan(0);
    },
    CYCLES * CYCLE_MS_MAX,
  );

  it('would have said so', async () => {
    const { told, truth } = killed.town;
    await expect(killed.auditWith({ told: lostOne(told) })).rejects.toMatchObject({
      code: 'ACKNOWLEDGED_LOST',
    });
    await expect(killed.auditWith({ truth: withoutStatements(truth) })).rejects.toMatchObject({
      code: 'FORGED',
    });
  });
});

function lostOne(told: readonly Told[]): readonly Told[] {
  const [first, ...others] = told;
  if (first === undefined) throw new Error('expected an answer');
  return [{ ...first, index: first.index + 1 }, ...others];
}

function withoutStatements(truth: SignedTruth): SignedTruth {
  return Object.assign(new SignedTruth(), truth, { statements: new Map<string, string>() });
}

function countOf({ entries }: Audited, type: string): number {
  return entries.filter(({ entry }) => entry.type === type).length;
}

function report({ town }: KilledLedger, audited: Audited): void {
  const { counts, told } = town;
  console.log(
    [
      `${CYCLES} kills, ${CYCLES + 1} full audits: lost 0, doubled 0, forked 0`,
      `${told.length} entries told to clients in ${counts.get('answers') ?? 0} answers`,
      `${counts.get('sent again') ?? 0} inputs sent again, ${counts.get('errands') ?? 0} errands done`,
      `${audited.entries.length} entries, ${countOf(audited, 'binding-made')} bindings, ${countOf(audited, 'binding-used')} uses`,
    ].join('; '),
  );
}
