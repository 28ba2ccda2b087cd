import { describe, expect, it } from 'vitest';
import { simulate, type SimulationResult } from './simulator/simulation.ts';

/** Between them these have every durable step: content, quarantine, batch, seal, erasure, read models, positions. */
const SEEDS = [11, 24];
const NEVER = -1;
const LONG_MS = 600_000;

const STEP = /^\d+ (\S+) (.+): (.*)$/;

interface Step {
  readonly number: number;
  /** Whether it is an append that arrives: until then it is on its way, and may be lost. */
  readonly isAppend: boolean;
}

interface Walk {
  readonly whole: SimulationResult;
  /** Those at which something happens. */
  readonly steps: readonly Step[];
  readonly labels: ReadonlySet<string>;
}

/** One run in which nothing goes wrong. */
async function walk(seed: number): Promise<Walk> {
  const steps: Step[] = [];
  const labels = new Set<string>();
  let step = 0;
  let isStarted = false;
  const print = (line: string): void => {
    if (line.startsWith('start ')) isStarted = true;
    const [, , label = '', says = ''] = STEP.exec(line) ?? [];
    if (label === '') return;
    if (isStarted && label !== 'sleep' && says !== 'in vain') {
      steps.push({ number: step, isAppend: label.startsWith('append ') });
      labels.add(label.replace(/ \d+$/, ''));
    }
    step += 1;
  };
  const whole = await simulate({ seed, print, onlyKill: { beforeStep: NEVER, arrives: true } });
  return { whole, steps, labels };
}

// Attack row C13. The simulation checks every accepted batch, and at the end that nothing waits for an answer.
describe('a ledger that dies before any of its steps', () => {
  it.each(SEEDS)(
    'is whole again after the next start (seed %i)',
    async (seed) => {
      const { whole, steps } = await walk(seed);
      expect(whole.broken).toBeUndefined();
      for (const { number: beforeStep, isAppend } of steps) {
        for (const arrives of isAppend ? [true, false] : [beforeStep % 2 === 0]) {
          const { broken } = await simulate({ seed, onlyKill: { beforeStep, arrives } });
          expect([beforeStep, arrives, broken?.message]).toEqual([beforeStep, arrives, undefined]);
        }
      }
    },
    LONG_MS,
  );

  it('has been killed before every kind of step', async () => {
    const walks = await Promise.all(SEEDS.map(walk));
    const labels = new Set(walks.flatMap((each) => [...each.labels]));
    for (const topic of ['intake', 'content', 'quarantine', 'log']) {
      expect(labels).toContain(`append ${topic}`);
    }
    for (const other of ['answer', 'sign', 'erase content', 'read log', 'store', 'wait intake']) {
      expect(labels).toContain(other);
    }
  });
});
