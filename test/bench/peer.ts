import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { rounded } from './percentile.ts';

const run = promisify(execFile);

/** The first build fetches the modules that go.sum names. */
const BUILD_MS = 300_000;

export interface PeerFigures {
  readonly name: string;
  readonly in_flight: number;
  /** Entries under a published, signed checkpoint. */
  readonly per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
}

export interface NotMeasured {
  readonly not_measured: string;
}

/** Tessera's POSIX log with as many entries in flight, on this machine and in this run. */
export async function measurePeer(
  inFlight: number,
  seconds: number,
): Promise<PeerFigures | NotMeasured> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bench-peer-'));
  const program = path.join(folder, 'tessera');
  try {
    await run('go', ['build', '-o', program, '.'], {
      cwd: path.join(import.meta.dirname, 'tessera'),
      timeout: BUILD_MS,
    });
    const { stdout } = await run(program, [`-in-flight=${inFlight}`, `-seconds=${seconds}`], {
      timeout: (seconds + 60) * 1_000,
    });
    return peerFigures(JSON.parse(stdout));
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return { not_measured: isMissing ? 'Go is missing' : 'Tessera could not be built or run' };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function peerFigures(said: unknown): PeerFigures {
  const members = new Map(Object.entries(Object(said) as Record<string, unknown>));
  const number = (name: string): number => rounded(Number(members.get(name)));
  return {
    name: `Tessera ${String(members.get('tessera'))}`,
    in_flight: number('in_flight'),
    per_second: rounded(number('per_second'), 0),
    p50_ms: number('p50_ms'),
    p99_ms: number('p99_ms'),
  };
}
