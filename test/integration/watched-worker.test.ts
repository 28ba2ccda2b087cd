import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const VITEST = at('../../node_modules/vitest/vitest.mjs');
const QUIET_MS = 2_000;
/** A process that no timeout of its own can end. */
const STANDS_STILL = "process.getBuiltinModule('node:child_process').spawnSync('sleep', ['60']);";

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watched-'));
  await writeFile(
    join(folder, 'vitest.config.mjs'),
    `import { watchedPool } from '${at('../support/watched-worker.ts')}';
export default {
  test: {
    globals: true,
    testTimeout: 1_000,
    pool: watchedPool,
  },
};
`,
  );
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function run(body: string): Promise<{ exit: number; said: string }> {
  await writeFile(join(folder, 'one.test.js'), `it('is one', () => {\n${body}\n});\n`);
  const env = { ...process.env, COUNTERSIGN_QUIET_MS: String(QUIET_MS), NO_COLOR: '1' };
  return new Promise((resolve) => {
    const args = [VITEST, 'run', '--root', folder];
    const child = execFile(process.execPath, args, { env }, (_, stdout, stderr) => {
      resolve({ exit: child.exitCode ?? -1, said: stdout + stderr });
    });
  });
}

describe('a process of the tests that stands still', () => {
  it('is told what it was doing and ended, and its file runs once more', async () => {
    const fs = "process.getBuiltinModule('node:fs')";
    const mark = JSON.stringify(join(folder, 'once'));
    const { exit, said } = await run(
      `if (${fs}.existsSync(${mark})) return;\n${fs}.writeFileSync(${mark}, '');\n${STANDS_STILL}`,
    );
    expect(said).toMatch(/nothing was heard of process \d+, which runs one\.test\.js\n/);
    expect(said).toMatch(/\d+ node S \(sleeping\) \w+/);
    expect(said).toContain('not ended: is one');
    expect(said).toContain('it makes no report');
    expect(said).toContain('one.test.js runs once more');
    expect(said).toMatch(/Tests +1 passed \(1\)/);
    expect(exit).toBe(0);
  });

  it('twice fails', async () => {
    const { exit, said } = await run(STANDS_STILL);
    expect(said.match(/nothing was heard of/g)?.length).toBeGreaterThanOrEqual(2);
    expect(said).toContain('Worker exited unexpectedly');
    expect(exit).toBe(1);
  });

  it('tells what it waits for where it still answers, and only its messages are lost', async () => {
    const channel =
      "process[Object.getOwnPropertySymbols(process).find((each) => each.description === 'kChannelHandle')]";
    const { exit, said } = await run(`${channel}.writeBuffer = () => 0;`);
    expect(said).toMatch(/"type":"pipe"/);
    expect(said).not.toContain('it makes no report');
    expect(exit).toBe(1);
  });
});
