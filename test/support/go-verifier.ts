import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../conformance/go-verifier/', import.meta.url));

function go(args: readonly string[]): string {
  return execFileSync('go', args, {
    cwd: SOURCE,
    encoding: 'utf8',
    env: { ...process.env, GOFLAGS: '-mod=mod', GOPROXY: 'off', GOTOOLCHAIN: 'local' },
  });
}

/**
 * Builds the second verifier into a folder, and answers its path.
 * Without Go this fails, and so it should: a second opinion that was not asked is none.
 */
export function buildGoVerifier(folder: string): string {
  const program = join(folder, 'go-verifier');
  go(['build', '-o', program, '.']);
  return program;
}

/** What its own tests say, one line for each that ran. */
export function testGoVerifier(): string {
  return go(['test', '-count=1', '-v', '.']);
}
