import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emptyRoot } from '@countersign/tlog';
import { toBase64 } from '@countersign/canonical';
import { freePort } from './free-port.ts';

const MODULE = 'filippo.io/torchwood/cmd/litewitness@v0.9.0';
const BIN = fileURLToPath(new URL('../../.cache/litewitness/', import.meta.url));
const WAIT_MAX = 100;
const ADD_LOG = `import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("INSERT INTO log VALUES (?, 0, ?)", (sys.argv[2], sys.argv[4]))
db.execute("INSERT INTO key VALUES (?, ?)", (sys.argv[2], sys.argv[3]))
db.commit()`;

function program(): string {
  const path = join(BIN, 'litewitness');
  if (!existsSync(path)) {
    mkdirSync(BIN, { recursive: true });
    execFileSync('go', ['install', MODULE], { env: { ...process.env, GOBIN: BIN } });
  }
  return path;
}

/** A witness that others wrote, with its key in an ssh-agent of its own. */
export class Litewitness {
  readonly url: string;
  readonly vkey: string;
  readonly #processes: readonly ChildProcess[];

  private constructor(url: string, vkey: string, processes: readonly ChildProcess[]) {
    this.url = url;
    this.vkey = vkey;
    this.#processes = processes;
  }

  /** Follows one log, of which it has seen nothing yet. */
  static async start(folder: string, log: { origin: string; vkey: string }): Promise<Litewitness> {
    const [key, socket, db] = ['key', 'agent', 'db'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    await until(() => existsSync(socket));
    const env = { ...process.env, SSH_AUTH_SOCK: socket };
    execFileSync('ssh-add', ['-q', key], { env, stdio: 'ignore' });
    const [, print = ''] = execFileSync('ssh-keygen', ['-lf', `${key}.pub`], {
      encoding: 'utf8',
    }).split(' ');
    const listen = `127.0.0.1:${await freePort()}`;
    const args = ['-name', 'witness.example/lite', '-key', print, '-ssh-agent', socket];
    const witness = spawn(program(), [...args, '-db', db, '-listen', listen], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [witness.stdout, witness.stderr]) {
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    }
    await until(() => said.includes('msg=listening'));
    const root = toBase64(emptyRoot());
    execFileSync('python3', ['-c', ADD_LOG, db, log.origin, log.vkey, root]);
    const vkey = /vkey=(?<vkey>\S+)/.exec(said)?.groups?.['vkey'] ?? '';
    return new Litewitness(`http://${listen}`, vkey, [witness, agent]);
  }

  async add(body: string): Promise<{ status: number; text: string }> {
    const answer = await fetch(`${this.url}/add-checkpoint`, { method: 'POST', body });
    return { status: answer.status, text: await answer.text() };
  }

  stop(): void {
    for (const each of this.#processes) each.kill();
  }
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < WAIT_MAX; tries += 1) {
    if (isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('expected a witness that starts');
}
