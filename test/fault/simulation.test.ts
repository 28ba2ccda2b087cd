import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { PLANTED_FAULTS } from './simulator/planted-faults.ts';
import { firstSeedThatFinds } from './simulator/planted-search.ts';
import type { SeedSummary } from './simulator/seed-range.ts';
import { runSeedsInWorkers } from './simulator/seed-workers.ts';
import { simulate } from './simulator/simulation.ts';

const MAIN = fileURLToPath(new URL('simulator/main.ts', import.meta.url));
const SEEDS = Number(process.env['COUNTERSIGN_SEEDS'] ?? 2_000);
const WORKERS = Math.min(4, availableParallelism());
/** Within so many seeds each planted fault must be found. */
const PLANTED_SEEDS_MAX = 3_000;
const LONG_MS = 1_800_000;

/** What must have happened, or nothing was tried. */
const TRIED = [
  'bindings cut by a sign-in',
  'change agent-sponsored',
  'change credential-revoked',
  'change deputy-named',
  'change deputy-revoked',
  'change frozen',
  'change issuer-enrolled',
  'change issuer-revoked',
  'change person-tied',
  'change policy-set',
  'change thawed',
  'chains of 1',
  'chains of 2',
  'constraint amount',
  'constraint chosen',
  'constraint currency',
  'constraint max_uses',
  'constraint use_by',
  'decisions of attested keys',
  'decisions of deputies',
  'decisions of members',
  'decisions of other keys refused',
  'deed decide',
  'deed early',
  'deed enrol',
  'deed erase',
  'deed find',
  'deed race',
  'entry authority-changed',
  'entry binding-made',
  'entry binding-revoked',
  'entry binding-used',
  'entry content-erased',
  'entry decision-refused ADMISSION_MISMATCH',
  'entry decision-refused EPOCH_ENDED',
  'entry decision-refused CONFIRMATION_MISMATCH',
  'entry decision-refused CONFIRMATION_REQUIRED',
  'entry decision-refused DELEGATION_EXCEEDED',
  'entry decision-refused DELEGATION_INVALID',
  'entry decision-refused FROZEN',
  'entry decision-refused ORDER',
  'entry decision-refused POLICY_CHANGED',
  'entry decision-refused AUTHENTICATOR_CLASS',
  'entry decision-refused KEY_NOT_ENROLLED_AT_TIME',
  'entry decision-refused NOT_A_NATURAL_PERSON',
  'entry decision-refused NOT_ELIGIBLE',
  'entry decision-refused ORPHAN_DECISION',
  'entry decision-refused OWNER_APPROVAL',
  'enrolments of attested keys',
  'enrolments of members',
  'entry execution-reported',
  'entry finding-raised',
  'entry request-denied',
  'entry request-expired',
  'entry request-refused REQUEST_ID_REUSED',
  'entry use-refused ALREADY_CONSUMED',
  'entry use-refused CONSTRAINT_VIOLATED',
  'entry request-refused DELEGATION_EXCEEDED',
  'entry request-refused DELEGATION_INVALID',
  'entry request-refused FROZEN',
  'entry request-refused PROMPTS_EXCEEDED',
  'entry request-refused QUIET_HOURS',
  'entry request-refused REQUEST_OPEN',
  'entry use-refused APPROVER_REVOKED',
  'entry use-refused EPOCH_ENDED',
  'entry use-refused FROZEN',
  'entry use-refused NOT_IN_BATCH',
  'entry use-refused OUTCOME_UNKNOWN',
  'entry use-refused PLAN_ORDER',
  'entry use-refused POLICY_CHANGED',
  'entry use-refused REVOKED',
  'fault broker',
  'fault broker-clock',
  'fault clock',
  'fault crash',
  'fault fence',
  'fault pause',
  'fault signer',
  'fault start',
  'fault stop',
  'forged action',
  'forged older',
  'forged place',
  'forged state',
  'grants used',
  'items used',
  'joined decisions',
  'quarantined ASSERTION_INVALID',
  'quarantined REPEATED/N',
  'snapshot SNAPSHOT_MALFORMED',
  'snapshot SNAPSHOT_MISMATCH',
  'snapshot SNAPSHOT_NOT_IN_LOG',
  'snapshot used',
  'snapshot used from the middle',
  'somebody joined',
  'somebody left',
  'steps used',
  'stopped CLOCK_JUMP',
];

describe('the simulator', () => {
  it(
    `finds nothing broken in ${SEEDS} seeds`,
    async () => {
      const summary = await runSeedsInWorkers({ first: 1, last: SEEDS, workers: WORKERS });
      report(summary);
      expect(summary.failures).toEqual([]);
      expect(summary.seeds).toBe(SEEDS);
    },
    LONG_MS,
  );

  it('replays a seed step by step, and no other seed', async () => {
    const [one, again, other] = [
      await simulate({ seed: 7 }),
      await simulate({ seed: 7 }),
      await simulate({ seed: 8 }),
    ];
    expect(again.traceDigest).toBe(one.traceDigest);
    expect(again.steps).toBe(one.steps);
    expect(other.traceDigest).not.toBe(one.traceDigest);
  });

  it('ends with 1 and names the seed that broke something', () => {
    const args = ['--seed', '1', '--plant', 'signs before it appends'];
    const { status, stdout } = spawnSync(
      process.execPath,
      ['--conditions=@countersign/source', '--import', 'tsx', MAIN, ...args],
      { encoding: 'utf8' },
    );
    expect(stdout).toMatch(/^seed 1: SIGNED_NOT_HELD: .*; \d+ steps, trace [0-9a-f]{64}\n$/);
    expect(status).toBe(1);
  });

  it.each(PLANTED_FAULTS)('finds a ledger that $name', { timeout: LONG_MS }, async (fault) => {
    const { plant, found } = fault;
    const seed =
      (await firstSeedThatFinds(fault, fault.seed, fault.seed)) ??
      (await firstSeedThatFinds(fault, 1, PLANTED_SEEDS_MAX));
    if (seed === undefined) throw new Error(`expected one of ${found.join(', ')}, found none`);
    const [one, again] = [await simulate({ seed, plant }), await simulate({ seed, plant })];
    expect(found).toContain(one.broken?.code);
    expect(again.broken?.message).toBe(one.broken?.message);
    expect(again.traceDigest).toBe(one.traceDigest);
    // The same seed without the fault: so it is the fault that was found.
    expect((await simulate({ seed })).broken).toBeUndefined();
  });
});

/** Nothing broke: that says something about what happened, and nothing about what did not. */
function report({ seeds, counts }: SeedSummary): void {
  const told = [
    'steps',
    'entries',
    'entry binding-made',
    'entry binding-used',
    'lost batches',
    'fault crash',
  ];
  const figures = told.map((what) => `${what} ${counts[what] ?? 0}`).join(', ');
  console.log(`${seeds} seeds: ${figures}`);
  if (seeds < 2_000) return;
  for (const what of TRIED) expect([what, counts[what] ?? 0]).not.toEqual([what, 0]);
  // Attack row C15 and the bar of 500 forced races between two writers.
  expect(counts['lost batches']).toBeGreaterThan(500);
}
