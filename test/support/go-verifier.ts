import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../conformance/go-verifier/', import.meta.url));

/**
 * Builds the second verifier into a folder, and answers its path.
 * Without Go this fails, and so it should: a second opinion that was not asked is none.
 */
export function buildGoVerifier(folder: string): string {
  const program = join(folder, 'go-verifier');
  execFileSync('go', ['build', '-o', program, '.'], {
    cwd: SOURCE,
    env: { ...process.env, GOFLAGS: '-mod=mod', GOPROXY: 'off', GOTOOLCHAIN: 'local' },
  });
  return program;
}
