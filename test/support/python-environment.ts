import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../../.cache/', import.meta.url));

const INSTALL_MS_MAX = 600_000;
const LOOK_EVERY_MS = 200;

export interface PythonEnvironment {
  /** Of its folder under .cache. */
  readonly name: string;
  /** As pip takes it, with an exact version. */
  readonly requirement: string;
  /** More of them. */
  readonly also?: readonly string[];
}

/**
 * Python with packages from PyPI, installed once into .cache.
 * @returns the folder of its programs; undefined where Python or the package cannot be had
 */
export function pythonEnvironment(wanted: PythonEnvironment): string | undefined {
  const { name, also = [] } = wanted;
  const requirements = [wanted.requirement, ...also];
  const stamped = requirements.join('\n');
  const folder = join(CACHE, name);
  const bin = join(folder, 'bin');
  // Written last, so that an environment of which only a part was installed is never used.
  const stamp = join(folder, 'installed.txt');
  const isThere = (): boolean => existsSync(stamp) && readFileSync(stamp, 'utf8') === stamped;
  const install = (): boolean => {
    if (isThere()) return true;
    rmSync(folder, { recursive: true, force: true });
    const isInstalled =
      succeeds('python3', ['-m', 'venv', folder]) &&
      succeeds(join(bin, 'pip'), ['install', '--quiet', '--no-compile', ...requirements]);
    if (isInstalled) writeFileSync(stamp, stamped);
    return isInstalled;
  };
  mkdirSync(CACHE, { recursive: true });
  return isThere() || oneAtATime(`${folder}.lock`, install) ? bin : undefined;
}

/** Test files run beside each other, and more than one may want the same environment first. */
function oneAtATime<T>(lock: string, make: () => T): T {
  while (!isTaken(lock)) {
    const ageMs = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    // Of a run that was killed.
    if (ageMs > INSTALL_MS_MAX) rmSync(lock, { recursive: true, force: true });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_EVERY_MS);
  }
  try {
    return make();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function isTaken(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
