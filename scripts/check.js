// `npm run check`: what must hold before each commit. Two steps at a time share the cores; what one prints comes when it ends.
// With --no-unit whoever runs the unit tests elsewhere looks at the rest.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled, root } from './workspace.js';

const CACHE = join('node_modules', '.cache');

/** Warm caches make it faster and never decide alone: CI starts without any. */
const LINT = [
  'eslint',
  '.',
  '--cache',
  '--cache-strategy=content',
  `--cache-location=${CACHE}/eslint/`,
];
/** Not where prettier has its own: a run of it without a cache, as of an editor, deletes that one. */
const FORMAT = [
  'prettier',
  '--check',
  '.',
  '--cache',
  '--cache-strategy=content',
  `--cache-location=${CACHE}/prettier-check/cache`,
];
const BUILD = ['tsc', '-b'];
const TEST_TYPES = ['tsc', '-p', 'tsconfig.test.json'];
const ARROWS = [
  'depcruise',
  '--config',
  'dependency-cruiser.json',
  `--cache=${CACHE}/dependency-cruiser`,
  '--cache-strategy=content',
  'packages',
  'services',
  'test',
];
const UNUSED = ['knip', '--cache', `--cache-location=${CACHE}/knip`];
const UNIT = ['vitest', 'run', '--project', 'unit'];

/** The types of dist are needed by some of these. The longest first. */
const AFTER_BUILD = [TEST_TYPES, FORMAT, ARROWS, UNUSED];

/** Resolves with the exit code. */
function run([tool, ...args]) {
  const started = Date.now();
  const said = [];
  const child = spawn(join(root, 'node_modules', '.bin', tool), args, {
    cwd: root,
    env: { ...process.env, FORCE_COLOR: process.stdout.isTTY ? '1' : '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => said.push(part));
  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(`${tool}: ${error.message}`);
      resolve(1);
    });
    child.on('close', (code) => {
      const seconds = ((Date.now() - started) / 1_000).toFixed(1);
      console.log(
        `${code === 0 ? 'ok    ' : 'FAILED'} ${[tool, ...args.slice(0, 2)].join(' ')}  ${seconds} s`,
      );
      if (code !== 0) process.stdout.write(Buffer.concat(said));
      resolve(code ?? 1);
    });
  });
}

/** One step after the other; what fails does not keep the next from being looked at. Two that share the steps share them by time. */
async function inTurn(first, steps) {
  let worst = await first;
  for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
    worst = Math.max(worst, await run(step));
  }
  return worst;
}

ensureInstalled();
const built = run(BUILD);
const linted = run(LINT).then(async (code) => Math.max(code, await built));
const looked = await Promise.all([linted, built].map((each) => inTurn(each, AFTER_BUILD)));
const tested = process.argv.includes('--no-unit') ? 0 : await run(UNIT);
process.exitCode = Math.max(...looked, tested) === 0 ? 0 : 1;
