// What `npm start`, `npm test` and the rest need before they can do their own work: packages installed, sources built.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isCurrent } from './build-stamp.js';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const MIN_NODE = [20, 20, 2];

/** Runs a command of this workspace to its end; a failure ends this process with the same code. */
function run(command, args, what) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['inherit', 2, 'inherit'] });
  if (result.status !== 0) {
    console.error(
      `countersign: ${what} failed (exit ${result.status ?? result.signal}); see above`,
    );
    process.exit(result.status ?? 1);
  }
}

function npm(args, what) {
  const cli = process.env.npm_execpath;
  if (cli === undefined) run('npm', args, what);
  else run(process.execPath, [cli, ...args], what);
}

function checkNode() {
  const have = process.versions.node.split('.').map(Number);
  for (const [at, least] of MIN_NODE.entries()) {
    if (have[at] > least) return;
    if (have[at] < least) {
      console.error(
        `countersign: expected Node ${MIN_NODE.join('.')} or later, got ${process.versions.node}`,
      );
      process.exit(2);
    }
  }
}

/** Names and versions of the lock file's packages: npm keeps the same list of what it installed. */
function locked(file) {
  const { packages } = JSON.parse(readFileSync(file, 'utf8'));
  return packages;
}

function isInstalled() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const have = locked(installed);
  return Object.entries(locked(join(root, 'package-lock.json'))).every(
    ([path, wanted]) =>
      path === '' ||
      have[path]?.version === wanted.version ||
      (wanted.optional === true && have[path] === undefined),
  );
}

export function ensureInstalled() {
  checkNode();
  if (isInstalled()) return;
  console.error('countersign: installing packages (npm ci), about a minute …');
  npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'npm ci');
}

/** Below `services`. */
const BUNDLES = [
  { name: 'page', folder: 'console' },
  { name: 'command', folder: 'cli' },
];

/** Of sources that are as they were tsc takes about a second to find that out, and nothing is bundled again. */
export function ensureBuilt() {
  const isFirst = !existsSync(join(root, 'services', 'cli', 'dist', 'countersign.js'));
  if (isFirst) console.error('countersign: building the sources, half a minute to a minute …');
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b'], 'tsc -b');
  if (isFirst) console.error('countersign: building the page and the command, some seconds …');
  for (const { name, folder } of BUNDLES) {
    if (isCurrent(root, name)) continue;
    run(process.execPath, [join(root, 'services', folder, 'build.js')], `the build of the ${name}`);
  }
}

/**
 * Room for what a batch of decisions makes and drops: with less, much of it is copied twice before it is garbage
 * (docs/benchmarks.md).
 */
export const LEDGER_MEMORY = ['--max-semi-space-size=64'];

/** Hands this process over to another program: same terminal, same signals, same exit code. */
export function become(args) {
  const child = spawn(process.execPath, args, { cwd: process.cwd(), stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // The terminal sends Ctrl-C to the child too; this process must outlive it to report its exit code.
    process.on(signal, () => {
      if (signal !== 'SIGINT') child.kill(signal);
    });
  }
  child.on('exit', (code, signal) => {
    process.exit(code ?? (signal === 'SIGINT' ? 130 : 1));
  });
}

/** As `become`, for a program of this workspace that is not built but run from its TypeScript source. */
export function becomeSource(file, args, nodeArgs = []) {
  become([
    ...nodeArgs,
    '--conditions=@countersign/source',
    '--import',
    import.meta.resolve('tsx'),
    file,
    ...args,
  ]);
}
