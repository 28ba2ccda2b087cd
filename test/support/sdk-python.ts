import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pythonEnvironment } from './python-environment.ts';

/** The Python package, run from its folder; undefined where Python 3 or its one dependency cannot be had. */
export function sdkPython(): { python: string; env: Record<string, string> } | undefined {
  const bin = pythonEnvironment({ name: 'sdk-python', requirement: 'cryptography==50.0.2' });
  if (bin === undefined) return undefined;
  const folder = fileURLToPath(new URL('../../python', import.meta.url));
  return {
    python: join(bin, 'python'),
    env: { PATH: process.env['PATH'] ?? '', PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' },
  };
}
