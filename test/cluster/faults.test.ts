import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAULTS } from '../fault/cluster-storm/faults.ts';
import { ClusterStorm } from '../fault/cluster-storm/storm.ts';
import type { Audited } from '../fault/killed-ledger/topic-audit.ts';

/** Those whose name matches; all of them unless said. */
const CHOSEN = Object.entries(FAULTS).filter(([name]) =>
  new RegExp(process.env['COUNTERSIGN_CLUSTER_FAULTS'] ?? '').test(name),
);
/** Each fault once, then as many at random. */
const CYCLES = Number(process.env['COUNTERSIGN_CLUSTER_CYCLES'] ?? CHOSEN.length);
const CLIENTS = 4;
const CYCLE_MS_MAX = 120_000;

describe('a ledger on a cluster under load', () => {
  let storm: ClusterStorm;

  beforeAll(async () => {
    storm = await ClusterStorm.start();
  }, 300_000);

  afterAll(async () => {
    await storm.discard();
  });

  it(
    `C13, C15: loses, doubles and forks nothing in ${CYCLES} faults`,
    async () => {
      storm.clients.start(CLIENTS);
      for (let cycle = 0; cycle < CYCLES; cycle += 1) {
        const [name, fault] = faultOf(cycle);
        const begunMs = Date.now();
        await fault(storm);
        const { entries } = await storm.calm();
        const seconds = ((Date.now() - begunMs) / 1000).toFixed(1);
        console.log(`${cycle + 1}: ${name}: ${seconds} s, ${entries.length} entries audited`);
      }
      const audited = await storm.end();
      report(storm, audited);
      // Each audit has thrown for what is lost, doubled or forked; this is what they had to look at.
      expect(storm.town.told.length).toBeGreaterThan(CYCLES);
      expect(countOf(audited, 'binding-used')).toBeGreaterThan(0);
      expect(storm.town.counts.get('sent again')).toBeGreaterThan(0);
    },
    CYCLES * CYCLE_MS_MAX,
  );

  it('would have said so', async () => {
    const [first, ...others] = storm.town.told;
    if (first === undefined) throw new Error('expected an answer');
    const told = [{ ...first, index: first.index + 1 }, ...others];
    await expect(storm.audit({ told })).rejects.toMatchObject({ code: 'ACKNOWLEDGED_LOST' });
  });
});

function faultOf(cycle: number): readonly [string, (typeof FAULTS)[string]] {
  const at = cycle < CHOSEN.length ? cycle : Math.floor(Math.random() * CHOSEN.length);
  const found = CHOSEN[at];
  if (found === undefined) throw new Error('expected a fault');
  return found;
}

function countOf({ entries }: Audited, type: string): number {
  return entries.filter(({ entry }) => entry.type === type).length;
}

function report({ town }: ClusterStorm, audited: Audited): void {
  const { counts, told } = town;
  console.log(
    [
      `${CYCLES} faults, ${CYCLES + 1} full audits from the topics: lost 0, doubled 0, forked 0`,
      `${told.length} entries told to clients in ${counts.get('answers') ?? 0} answers`,
      `${counts.get('sent again') ?? 0} inputs sent again, ${counts.get('errands') ?? 0} errands done`,
      `${audited.entries.length} entries, ${countOf(audited, 'binding-made')} bindings, ${countOf(audited, 'binding-used')} uses`,
      `${audited.lostBatches} batches that came second`,
    ].join('; '),
  );
}
