import { simulate } from './simulation.ts';

/** What came of a range of seeds. */
export interface SeedSummary {
  readonly seeds: number;
  readonly failures: readonly {
    readonly seed: number;
    readonly code: string;
    readonly message: string;
  }[];
  /** How often what happened: that nothing broke says something only about what did happen. */
  readonly counts: Readonly<Record<string, number>>;
}

export async function runSeeds(first: number, last: number): Promise<SeedSummary> {
  const counts = new Map<string, number>();
  const failures: { seed: number; code: string; message: string }[] = [];
  for (let seed = first; seed <= last; seed += 1) {
    const { broken, counts: own, steps } = await simulate({ seed });
    for (const [what, count] of own) counts.set(what, (counts.get(what) ?? 0) + count);
    counts.set('steps', (counts.get('steps') ?? 0) + steps);
    if (broken !== undefined) failures.push({ seed, code: broken.code, message: broken.message });
  }
  return { seeds: last - first + 1, failures, counts: Object.fromEntries(counts) };
}

export function sumOf(summaries: readonly SeedSummary[]): SeedSummary {
  const counts = new Map<string, number>();
  for (const summary of summaries) {
    for (const [what, count] of Object.entries(summary.counts)) {
      counts.set(what, (counts.get(what) ?? 0) + count);
    }
  }
  return {
    seeds: summaries.reduce((sum, { seeds }) => sum + seeds, 0),
    failures: summaries.flatMap(({ failures }) => failures),
    counts: Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}
