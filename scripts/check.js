// `npm run check`: what must hold before each commit. Two lanes share the cores; what a step prints comes when it ends.
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
const FORMAT = [
  'prettier',
  '--check',
  '.',
  '--cache',
  `--cache-location=${CACHE}/prettier/.prettier-cache`,
];
const BUILD = ['tsc', '-b'];
const TEST_TYPES = ['tsc', '-p', 'tsconfig.test.json'];
const ARROWS = ['depcruise', '--config', 'dependency-cruiser.json', 'packages', 'services', 'test'];
const UNUSED = ['knip'];
const UNIT = ['vitest', 'run', '--project', 'unit'];

/** The types of dist are needed by some of what follows. */
const LANES = [[FORMAT, BUILD, TEST_TYPES, ARROWS, UNUSED], [LINT]];

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

/** One step after the other; what fails does not keep the next from being looked at. */
async function lane(steps) {
  let worst = 0;
  for (const step of steps) worst = Math.max(worst, await run(step));
  return worst;
}

ensureInstalled();
const looked = await Promise.all(LANES.map(lane));
const tested = await lane(process.argv.includes('--no-unit') ? [] : [UNIT]);
process.exitCode = Math.max(...looked, tested) === 0 ? 0 : 1;
