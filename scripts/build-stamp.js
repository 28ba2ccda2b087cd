// Of what a bundle was made, so that it is made again only when any of that is another file by now.
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** File systems keep times less finely than a clock tells them. */
const GRAIN_MS = 1_000;

/** What says how modules are found and read: whatever imports what, these can make it another module. */
function resolution(root) {
  const workspaces = ['packages', 'services'].flatMap((folder) =>
    readdirSync(join(root, folder)).flatMap((name) => [
      join(folder, name, 'package.json'),
      join(folder, name, 'tsconfig.json'),
    ]),
  );
  return ['package-lock.json', 'tsconfig.base.json', ...workspaces];
}

/** Size and both times: no tool sets the second one, so a file that was put back with an old date is another one too. */
function stateOf(root, path) {
  const { size, mtimeMs, ctimeMs } = statSync(join(root, path), { throwIfNoEntry: false }) ?? {};
  return [size ?? null, mtimeMs ?? null, ctimeMs ?? null];
}

function statesOf(root, paths) {
  return Object.fromEntries(paths.map((path) => [path, stateOf(root, path)]));
}

function stampOf(root, name) {
  return join(root, 'node_modules', '.cache', 'countersign', `${name}.json`);
}

function known(root, name) {
  try {
    return JSON.parse(readFileSync(stampOf(root, name), 'utf8'));
  } catch {
    // None, or one that was cut off: both mean that the bundle is made.
    return undefined;
  }
}

/** Whether what was made of this name would come out the same. Never true of what changed while it was being made. */
export function isCurrent(root, name) {
  const stamp = known(root, name);
  if (stamp === undefined) return false;
  const { made, from } = stamp;
  const now = statesOf(root, [...made, ...from, ...resolution(root)]);
  return JSON.stringify(now) === JSON.stringify(stamp.states);
}

/** Notes what was made of what, by their paths below the root, once it is made. */
export function noteBuilt(root, name, { sinceMs, made, from }) {
  const states = statesOf(root, [...made, ...from, ...resolution(root)]);
  const sources = [...from, ...resolution(root)].map((path) => states[path]);
  const isSteady = sources.every(([, , ctimeMs]) => (ctimeMs ?? 0) < sinceMs - GRAIN_MS);
  mkdirSync(dirname(stampOf(root, name)), { recursive: true });
  // Whatever may have changed since it was read is read again the next time.
  writeFileSync(stampOf(root, name), isSteady ? JSON.stringify({ made, from, states }) : '');
}
