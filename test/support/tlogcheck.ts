import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../conformance/tlogcheck/', import.meta.url));
const WITHIN_MS = 60_000;

export interface Checked {
  /** 0 where the check holds. */
  readonly status: number | null;
  /** What it found wrong. */
  readonly why: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Beside this process, in which the ledger that it reads may run. */
export type Tlogcheck = (...args: string[]) => Promise<Checked>;

/**
 * Builds the tools that others wrote into a folder.
 * Without Go this fails, and so it should: a second opinion that was not asked is none.
 */
export function buildTlogcheck(folder: string): Tlogcheck {
  const program = join(folder, 'tlogcheck');
  // Exactly what go.sum names, or nothing.
  const env = { ...process.env, GOFLAGS: '-mod=readonly' };
  execFileSync('go', ['build', '-o', program, '.'], { cwd: SOURCE, env });
  return async (...args) => {
    const child = spawn(program, args, { timeout: WITHIN_MS, stdio: ['ignore', 'pipe', 'pipe'] });
    const said = [text(child.stdout), text(child.stderr)] as const;
    const [status] = (await once(child, 'close')) as [number | null];
    const [stdout, stderr] = await Promise.all(said);
    const facts = (status === 0 ? JSON.parse(stdout) : {}) as Record<string, unknown>;
    return { status, why: stderr.trim(), facts };
  };
}
