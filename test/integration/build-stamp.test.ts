import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const STAMP = pathToFileURL(join(import.meta.dirname, '../../scripts/build-stamp.js')).href;
const HOUR_MS = 3_600_000;
const [SOURCE, MADE] = ['packages/one/src/main.ts', 'services/cli/dist/out.js'];
const CONFIG = 'packages/one/package.json';

describe('a bundle', () => {
  let root = '';

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'build-stamp-'));
    for (const path of [SOURCE, MADE, CONFIG, 'package-lock.json']) await write(path, 'one');
  });

  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  async function write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }

  /** As the scripts do, in plain JavaScript. */
  function run(expression: string): unknown {
    const script = `import * as stamp from '${STAMP}';
      const root = ${JSON.stringify(root)};
      console.log(JSON.stringify(${expression}));`;
    const args = ['--input-type=module', '--eval', script];
    return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
  }

  const isCurrent = (): unknown => run(`stamp.isCurrent(root, 'command')`);

  /** As if it had been made that long after its sources were written. */
  function noteBuilt(laterMs = HOUR_MS): void {
    const files = `made: ['${MADE}'], from: ['${SOURCE}']`;
    run(`stamp.noteBuilt(root, 'command', { sinceMs: ${Date.now() + laterMs}, ${files} }) ?? null`);
  }

  it('is not made again while all that it was made of is as it was', () => {
    expect(isCurrent()).toBe(false);
    noteBuilt();
    expect(isCurrent()).toBe(true);
  });

  it.each([
    ['a source is another one', () => write(SOURCE, 'two, and longer')],
    ['a source was touched', () => utimes(join(root, SOURCE), new Date(), new Date())],
    ['a source is another one of the same length and date', sameLengthAndDate],
    ['a source is gone', () => rm(join(root, SOURCE))],
    ['what was made is gone', () => rm(join(root, MADE))],
    ['what was made is another one', () => write(MADE, 'two')],
    ['a package says otherwise what it exports', () => write(CONFIG, 'two')],
    ['there is one package more', () => write('packages/two/package.json', 'two')],
    ['other packages are installed', () => write('package-lock.json', 'two')],
    [
      'its stamp was cut off',
      () => write('node_modules/.cache/countersign/command.json', '{"made":'),
    ],
  ])('is made again when %s', async (_, change) => {
    noteBuilt();
    expect(isCurrent()).toBe(true);
    await change();
    expect(isCurrent()).toBe(false);
  });

  async function sameLengthAndDate(): Promise<void> {
    const path = join(root, SOURCE);
    const { atime, mtime, size } = await stat(path);
    await write(SOURCE, 'two');
    await utimes(path, atime, mtime);
    expect((await readFile(path)).length).toBe(size);
  }

  it('is made again when a source may have changed while it was read', () => {
    noteBuilt(0);
    expect(isCurrent()).toBe(false);
  });
});
