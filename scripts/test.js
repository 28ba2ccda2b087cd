// `npm test`: every project. A project whose outside parts are missing on this machine is named, never passed over in
// silence; with CI=true it is a failure.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root } from './workspace.js';

const GO = {
  what: 'Go 1.25 or later',
  isThere: () => answers('go', ['version']),
  get: 'install Go',
};
const PYTHON = {
  what: 'Python 3 with venv',
  isThere: () => answers('python3', ['-c', 'import ensurepip, venv']),
  get: 'apt-get install python3 python3-venv',
};

const SSH = {
  what: "OpenSSH's ssh-keygen and ssh-agent",
  // It has no option that only tells its version, and says so by its status.
  isThere: () => spawnSync('ssh-keygen', ['-?'], { stdio: 'ignore' }).error === undefined,
  get: 'apt-get install openssh-client',
};
const PTY = {
  what: 'Python 3, which makes the pseudo terminal',
  isThere: () => answers('python3', ['-c', 'import pty']),
  get: 'apt-get install python3',
};

/** Of the broker, which comes from Maven Central. */
const BROKER = [
  {
    what: 'Java 17 or later',
    isThere: () => hasJava(17),
    get: 'apt-get install default-jdk-headless',
  },
  { what: 'Maven', isThere: () => answers('mvn', ['--version']), get: 'apt-get install maven' },
];
const KCAT = {
  what: 'kcat',
  isThere: () => answers('kcat', ['-V']),
  get: 'apt-get install kcat',
};
const NETNS = {
  what: 'ip netns, as root',
  isThere: () => answers('unshare', ['-n', 'true']) && answers('ip', ['netns', 'list']),
  get: 'apt-get install iproute2, and run it as root',
};
const POSTGRES = {
  what: 'PostgreSQL, its server programs: those tests stop and kill one',
  isThere: () => answers('initdb', ['--version']) || hasDebianPostgres(),
  get: 'apt-get install postgresql',
};

/** @type {{project: string, needs: {what: string, isThere: () => boolean, get: string}[]}[]} */
const PROJECTS = [
  { project: 'unit', needs: [] },
  { project: 'integration', needs: [SSH, PTY] },
  { project: 'fault', needs: [] },
  { project: 'conformance', needs: [GO, PYTHON, SSH] },
  { project: 'kms', needs: [GO, PYTHON] },
  { project: 'connectors', needs: [PYTHON] },
  { project: 'netns', needs: [NETNS] },
  {
    project: 'console',
    needs: [
      {
        what: 'Chromium',
        isThere: () => answers(process.env.CHROMIUM ?? 'chromium', ['--version']),
        get: 'apt-get install chromium, or set CHROMIUM to its path',
      },
    ],
  },
  { project: 'kafka', needs: [...BROKER, KCAT, PYTHON] },
  { project: 'postgres', needs: [POSTGRES] },
  { project: 'cluster', needs: [...BROKER, POSTGRES, PYTHON] },
];

function answers(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function hasDebianPostgres() {
  const folder = '/usr/lib/postgresql';
  const versions = existsSync(folder) ? readdirSync(folder) : [];
  return versions.some((version) => existsSync(join(folder, version, 'bin', 'initdb')));
}

function hasJava(release) {
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  return Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0) >= release;
}

ensureInstalled();
ensureBuilt();

const extra = process.argv.slice(2);
const missing = PROJECTS.flatMap(({ project, needs }) =>
  needs.filter((need) => !need.isThere()).map((need) => ({ project, ...need })),
);
const left = new Set(missing.map(({ project }) => project));
const chosen = PROJECTS.filter(({ project }) => !left.has(project)).flatMap(({ project }) => [
  '--project',
  project,
]);

function sayMissing() {
  for (const { project, what, get } of missing) {
    console.error(`NOT RUN: ${project} tests need ${what} (${get})`);
  }
}

sayMissing();
if (missing.length > 0 && process.env.CI === 'true') process.exit(1);
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
// Which Node this project needs, its own package.json says; the notice would stand between all results.
const env = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
const { status } = spawnSync(process.execPath, [vitest, 'run', ...chosen, ...extra], {
  cwd: root,
  env,
  stdio: 'inherit',
});
sayMissing();
process.exit(status ?? 1);
