import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../../.cache/', import.meta.url));

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
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === stamped) return bin;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(CACHE, { recursive: true });
  const isInstalled =
    succeeds('python3', ['-m', 'venv', folder]) &&
    succeeds(join(bin, 'pip'), ['install', '--quiet', '--no-compile', ...requirements]);
  if (!isInstalled) return undefined;
  writeFileSync(stamp, stamped);
  return bin;
}

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
