import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newUlid } from '@countersign/crypto-node';
import { freePort } from '../support/free-port.ts';
import { countersign, type Ended } from './cli-process.ts';

/** Clears the screen, sets the title, colours, turns the reading order round, hides, and begins a line of its own. */
const HOSTILE =
  'x\u001B[2J\u001B]0;owned\u0007\u009B31m\u0085\u202E\u2066\u200B\u2028\r\ncountersign: approved';
const UNSAFE = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

interface Ledger {
  readonly origin: string;
  readonly genesis: string;
}

/** Answers as the ledger of a trust file would, and with hostile text wherever text may stand. */
class HostileLedger {
  readonly url: string;
  readonly folder: string;
  readonly #server: Server;

  private constructor(folder: string, server: Server, port: number) {
    this.folder = folder;
    this.#server = server;
    this.url = `http://localhost:${port}`;
  }

  static async start(): Promise<HostileLedger> {
    const folder = await mkdtemp(join(tmpdir(), 'countersign-hostile-'));
    const data = ['--data', join(folder, 'data')];
    const { stdout } = await countersign(['init', ...data, '--json']);
    const ledger = JSON.parse(stdout) as Ledger;
    const server = createServer((request, response) => {
      answer(request, response, ledger);
    });
    const port = await freePort();
    await new Promise<void>((resolve) => {
      server.listen(port, 'localhost', resolve);
    });
    return new HostileLedger(folder, server, port);
  }

  run(command: string, args: readonly string[] = []): Promise<Ended> {
    const key = join(this.folder, 'data', 'keys', 'agent.key');
    const trust = join(this.folder, 'data', 'trust.json');
    const who = ['--url', this.url, '--key', key, '--agent-id', 'local-agent', '--trust', trust];
    return countersign([...command.split(' '), ...who, ...args], { cwd: this.folder });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.folder, { recursive: true, force: true });
  }
}

function answer(
  { method, url = '' }: IncomingMessage,
  response: ServerResponse,
  { origin, genesis }: Ledger,
): void {
  const send = (status: number, body: unknown): void => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  };
  const entry = { index: 0, leaf: HOSTILE, type: HOSTILE, text: HOSTILE, at: HOSTILE };
  if (url === '/v1/ledger') send(200, { origin, genesis, tenant: 'default', more: HOSTILE });
  else if (url.startsWith('/v1/log/checkpoint')) send(200, HOSTILE);
  else if (url.startsWith('/v1/log/entries')) send(200, { size: 1, entries: [entry] });
  else if (url.startsWith('/v1/log/')) send(200, { hashes: [HOSTILE] });
  else if (method === 'POST') {
    send(403, { code: 'NO_POLICY', title: HOSTILE, detail: HOSTILE, entry });
  } else send(200, viewOf(entry));
}

function viewOf(entry: object): object {
  const text = Object.fromEntries(
    ['action_id', 'type', 'agent', 'executor', 'opened_at', 'use_by', 'result', 'code'].map(
      (name) => [name, HOSTILE],
    ),
  );
  return { ...text, status: 'denied', last_index: 3, entries: [entry], denials: [entry] };
}

let ledger: HostileLedger;

beforeAll(async () => {
  ledger = await HostileLedger.start();
});

afterAll(async () => {
  await ledger.stop();
});

function assertTame({ stdout, stderr }: Ended): void {
  expect(stdout + stderr).not.toBe('');
  expect(stdout + stderr).not.toMatch(UNSAFE);
  expect(stdout + stderr).not.toMatch(/^countersign: approved/m);
}

describe('a hostile ledger, by whatever command it is asked', () => {
  const id = newUlid(Date.now());
  const commands: readonly (readonly string[])[] = [
    ['show', id],
    ['show', id, '--json'],
    ['watch', id],
    ['watch', id, '--json'],
    ['log list'],
    ['log list', '--json'],
    ['log inclusion', '0', '1'],
    ['log consistency', '0', '1'],
    ['exec', '--executor-key', 'data/keys/executor.key', '--', '/bin/echo', 'hi'],
    ['exec', '--json', '--executor-key', 'data/keys/executor.key', '--', '/bin/echo', 'hi'],
    ['erase', id],
    ['enrol agent', 'bot', '--owner', 'prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2'],
  ];

  it.each(commands.map(([command = '', ...args]) => ({ command, args })))(
    'B10: cannot act on the terminal through $command',
    async ({ command, args }) => {
      assertTame(await ledger.run(command, args));
    },
  );

  it('B10: cannot act on the terminal through log checkpoint, nor through a file of evidence', async () => {
    const { stdout } = await ledger.run('log checkpoint');
    expect(stdout).not.toMatch(UNSAFE);
    const file = join(ledger.folder, 'evidence.json');
    await writeFile(file, JSON.stringify({ v: HOSTILE, [HOSTILE]: HOSTILE }));
    const trust = join(ledger.folder, 'data', 'trust.json');
    assertTame(await countersign(['verify', file, '--trust', trust]));
    assertTame(await countersign(['verify', file, '--trust', trust, '--json']));
    assertTame(await countersign(['verify', file, '--trust', file]));
    assertTame(await countersign(['verify', file, '--trust', trust, '--now', HOSTILE]));
    assertTame(await countersign(['verify', `${HOSTILE}.json`, '--trust', trust]));
  });
});
