import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
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
  readonly #agent: ChildProcess;
  readonly #run: () => Promise<ChildProcess>;
  #witness: ChildProcess;

  private constructor(
    { url, vkey }: { url: string; vkey: string },
    { agent, witness, run }: Processes,
  ) {
    this.url = url;
    this.vkey = vkey;
    this.#agent = agent;
    this.#run = run;
    this.#witness = witness;
  }

  /** Follows one log, of which it has seen nothing yet. */
  static async start(
    folder: string,
    log: { origin: string; vkey: string },
    name = 'witness.example/lite',
  ): Promise<Litewitness> {
    const [key, socket, db] = ['key', 'agent', 'db'].map((file) => join(folder, file)) as [
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
    const args = ['-name', name, '-key', print, '-ssh-agent', socket, '-db', db];
    let said = '';
    const run = async (): Promise<ChildProcess> => {
      said = '';
      const witness = spawn(program(), [...args, '-listen', listen], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [witness.stdout, witness.stderr]) {
        stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
      }
      await until(() => said.includes('msg=listening'));
      return witness;
    };
    const witness = await run();
    const root = toBase64(emptyRoot());
    execFileSync('python3', ['-c', ADD_LOG, db, log.origin, log.vkey, root]);
    const vkey = /vkey=(?<vkey>\S+)/.exec(said)?.groups?.['vkey'] ?? '';
    return new Litewitness({ url: `http://${listen}`, vkey }, { agent, witness, run });
  }

  async add(body: string): Promise<{ status: number; text: string }> {
    const answer = await fetch(`${this.url}/add-checkpoint`, { method: 'POST', body });
    return { status: answer.status, text: await answer.text() };
  }

  /** Away until it is resumed, with all that it remembers. */
  async pause(): Promise<void> {
    const gone = once(this.#witness, 'close');
    this.#witness.kill();
    await gone;
  }

  async resume(): Promise<void> {
    this.#witness = await this.#run();
  }

  stop(): void {
    for (const each of [this.#witness, this.#agent]) each.kill();
  }
}

interface Processes {
  readonly agent: ChildProcess;
  readonly witness: ChildProcess;
  readonly run: () => Promise<ChildProcess>;
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < WAIT_MAX; tries += 1) {
    if (isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('expected a witness that starts');
}
