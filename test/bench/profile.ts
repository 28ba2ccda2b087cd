import { Session, type Profiler } from 'node:inspector/promises';
import { rounded } from './percentile.ts';

/** Shares below this say nothing. */
const LEAST_SHARE = 0.01;

export interface FunctionShare {
  /** Of the time in which this thread did anything. */
  readonly share: number;
  readonly where: string;
}

/** Runs something under the sampling profiler: where this thread's own time goes, the largest share first. */
export async function profiled<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly shares: readonly FunctionShare[] }> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 500 });
    await session.post('Profiler.start');
    const result = await work();
    const { profile } = await session.post('Profiler.stop');
    return { result, shares: sharesOf(profile) };
  } finally {
    session.disconnect();
  }
}

function sharesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): FunctionShare[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  let busy = 0;
  for (const [at, id] of samples.entries()) {
    const name = names.get(id) ?? '';
    if (name === '(idle)' || name === '(root)') continue;
    const time = timeDeltas[at] ?? 0;
    busy += time;
    times.set(name, (times.get(name) ?? 0) + time);
  }
  return [...times]
    .map(([where, time]) => ({ share: rounded(time / busy, 3), where }))
    .filter(({ share }) => share >= LEAST_SHARE)
    .sort((a, b) => b.share - a.share);
}

/** Two folders are enough to tell a file by, and hold no path of this machine. */
function nameOf({
  functionName,
  url,
  lineNumber,
}: Profiler.Profile['nodes'][number]['callFrame']): string {
  if (url === '') return functionName;
  const file = url.split('/').slice(-3).join('/');
  return `${functionName === '' ? '(anonymous)' : functionName} ${file}:${lineNumber + 1}`;
}
