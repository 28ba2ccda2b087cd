import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { PLANTED_FAULTS } from './planted-faults.ts';
import { firstSeedThatFinds } from './planted-search.ts';
import { runSeeds, type SeedSummary } from './seed-range.ts';
import { runSeedsInWorkers } from './seed-workers.ts';
import { simulate } from './simulation.ts';

const USAGE = `Runs the ledger against simulated time, broker, signer, crashes and people. See docs/faults.md.

  main.ts --seeds 1..2000 [--workers N] [--json]   many seeds; ends with 1 if one breaks something
  main.ts --seed 1234 [--trace] [--plant NAME]     one seed again, step by step
  main.ts --seeds 1..3000 --plant NAME             the first of them that finds a ledger with this fault
`;

const SEEDS = /^([1-9][0-9]{0,14})\.\.([1-9][0-9]{0,14})$/;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    workers: { type: 'string' },
    plant: { type: 'string' },
    trace: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const planted = PLANTED_FAULTS.find(({ name }) => name === values.plant);
if (values.plant !== undefined && planted === undefined) {
  console.error(`expected one of: ${PLANTED_FAULTS.map(({ name }) => name).join(', ')}`);
  process.exitCode = 2;
} else if (values.seed !== undefined) await one(Number(values.seed));
else if (values.seeds !== undefined) await many(values.seeds);
else {
  console.error(USAGE);
  process.exitCode = 2;
}

async function one(seed: number): Promise<void> {
  const { broken, steps, traceDigest } = await simulate({
    seed,
    ...(planted !== undefined && { plant: planted.plant }),
    ...(values.trace && { print: console.log }),
  });
  console.log(`seed ${seed}: ${broken?.message ?? 'holds'}; ${steps} steps, trace ${traceDigest}`);
  if (broken !== undefined) process.exitCode = 1;
}

async function many(range: string): Promise<void> {
  const [, first, last] = SEEDS.exec(range) ?? [];
  if (first === undefined || last === undefined) {
    console.error(USAGE);
    process.exitCode = 2;
    return;
  }
  if (planted !== undefined) {
    console.log(await firstSeedThatFinds(planted, Number(first), Number(last)));
    return;
  }
  const summary = values.json
    ? await runSeeds(Number(first), Number(last))
    : await runSeedsInWorkers({
        first: Number(first),
        last: Number(last),
        workers: Number(values.workers ?? availableParallelism()),
        onPart: tell,
      });
  console.log(values.json ? JSON.stringify(summary) : summary.counts);
  if (!values.json)
    console.log(`${summary.seeds} seeds, ${summary.failures.length} broke something`);
  if (summary.failures.length > 0) process.exitCode = 1;
}

function tell({ failures }: SeedSummary, last: number): void {
  console.log(`up to seed ${last}`);
  for (const { seed, message } of failures) console.log(`seed ${seed}: ${message}`);
}
