import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { freePort } from '../free-port.ts';
import { keepServer, type KeptServer } from '../kept-server.ts';

const START_MS = 60_000;
const LOG_TAIL_CHARS = 3_000;
const USER = 'countersign';
const DATABASE = 'countersign';
/** Where Debian and its kin keep the programs of each version, outside of the path. */
const VERSIONS_FOLDER = '/usr/lib/postgresql';

export interface LocalPostgres {
  /** With its password. */
  readonly url: string;
  /** Ends the server as an operator does: connections are cut, nothing is lost. */
  readonly down: () => Promise<void>;
  /** kill -9 of the server. */
  readonly crash: () => Promise<void>;
  /** Starts it again on the same data and port. */
  readonly up: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** A PostgreSQL server on this machine, on a free port, with its data in a temporary folder. */
export async function startLocalPostgres(): Promise<LocalPostgres> {
  const programs = await programsFolder();
  const owner = ownerOfData();
  const folder = await mkdtemp(path.join(tmpdir(), 'countersign-postgres-'));
  if (owner !== undefined) await chown(folder, owner.uid, owner.gid);
  const port = await freePort();
  const password = randomBytes(12).toString('hex');
  const log = path.join(folder, 'server.log');
  const keeper = await keepServer({
    folder,
    log,
    ...(owner !== undefined && { owner }),
    command: [
      path.join(programs, 'postgres'),
      ...['-D', path.join(folder, 'data'), '-p', String(port), '-k', folder],
      ...['-c', 'listen_addresses=127.0.0.1'],
    ],
  });
  const server = { keeper, log, port, url: urlOf(port, password, 'postgres') };
  try {
    await initialise(programs, { folder, owner, password });
    await up(server);
    await createDatabase(server.url);
  } catch (error) {
    await keeper.stop();
    throw error;
  }
  return {
    url: urlOf(port, password, DATABASE),
    down: () => keeper.tell('down'),
    crash: () => keeper.tell('crash'),
    up: () => up(server),
    stop: () => keeper.stop(),
  };
}

/** Of the newest version that is installed. */
async function programsFolder(): Promise<string> {
  const versions = existsSync(VERSIONS_FOLDER) ? await readdir(VERSIONS_FOLDER) : [];
  const newest = versions.sort((a, b) => Number(b) - Number(a));
  const folders = newest.map((version) => path.join(VERSIONS_FOLDER, version, 'bin'));
  const onPath = (process.env['PATH'] ?? '').split(path.delimiter);
  const found = [...folders, ...onPath].find(
    (folder) =>
      existsSync(path.join(folder, 'initdb')) && existsSync(path.join(folder, 'postgres')),
  );
  if (found !== undefined) return found;
  throw new Error(
    'expected PostgreSQL: initdb and postgres on the path (Debian: apt-get install postgresql), ' +
      'or a server in COUNTERSIGN_POSTGRES_URL',
  );
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root. */
function ownerOfData(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name]));
    if (uid?.status === 0 && gid?.status === 0) {
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    }
  }
  throw new Error('expected a user postgres or nobody: PostgreSQL does not run as root');
}

async function initialise(
  programs: string,
  at: { readonly folder: string; readonly owner: Owner | undefined; readonly password: string },
): Promise<void> {
  const passwordFile = path.join(at.folder, 'password');
  await writeFile(passwordFile, `${at.password}\n`);
  const { status, stdout, stderr } = spawnSync(
    path.join(programs, 'initdb'),
    [
      ...['-D', path.join(at.folder, 'data'), '-U', USER, `--pwfile=${passwordFile}`],
      ...['-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C', '--no-sync'],
    ],
    { encoding: 'utf8', cwd: at.folder, ...at.owner },
  );
  if (status === 0) return;
  throw new Error(`expected initdb to succeed:\n${stdout}${stderr}`.slice(0, LOG_TAIL_CHARS));
}

interface Server {
  readonly keeper: KeptServer;
  readonly log: string;
  readonly port: number;
  readonly url: string;
}

/** One that was killed may hold its memory for a moment, so that the next one ends at once: it is started until it stays. */
async function up({ keeper, log, url }: Server): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    await keeper.tell('up');
    for (let tries = 0; tries < 10; tries += 1) {
      if (await answers(url)) return;
      await sleep(100);
    }
    if (Date.now() < deadline && keeper.isKept) continue;
    const text = await readFile(log, 'utf8');
    throw new Error(`expected PostgreSQL to start:\n${text.slice(-LOG_TAIL_CHARS)}`);
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function createDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`create database ${DATABASE}`);
  await client.end();
}

function urlOf(port: number, password: string, database: string): string {
  return `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`;
}
