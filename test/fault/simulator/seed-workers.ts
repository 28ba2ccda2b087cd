import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { sumOf, type SeedSummary } from './seed-range.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
/** A worker takes so many seeds at a time: it takes a second to start, and none is to be left with all the long ones. */
const SEEDS_AT_A_TIME_MAX = 1_000;
const TURNS_EACH = 2;

export interface SeedWork {
  readonly first: number;
  readonly last: number;
  readonly workers: number;
  readonly onPart?: (part: SeedSummary, last: number) => void;
}

/** Runs a range of seeds in several processes. */
export async function runSeedsInWorkers({
  first,
  last,
  workers,
  onPart,
}: SeedWork): Promise<SeedSummary> {
  const fair = Math.ceil((last - first + 1) / workers / TURNS_EACH);
  const atATime = Math.min(SEEDS_AT_A_TIME_MAX, Math.max(1, fair));
  let next = first;
  const parts: SeedSummary[] = [];
  const work = async (): Promise<void> => {
    while (next <= last) {
      const from = next;
      const to = Math.min(last, from + atATime - 1);
      next = to + 1;
      const part = await runInProcess(from, to);
      parts.push(part);
      onPart?.(part, to);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return sumOf(parts);
}

async function runInProcess(first: number, last: number): Promise<SeedSummary> {
  const args = [
    '--conditions=@countersign/source',
    '--import',
    'tsx',
    MAIN,
    '--json',
    '--seeds',
    `${first}..${last}`,
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0 && code !== 1)
    throw new Error(`seeds ${first}..${last}: the worker ended with ${String(code)}`);
  return JSON.parse(text) as SeedSummary;
}
