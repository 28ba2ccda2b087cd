import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import type { HttpPerson } from '../support/http-person.ts';
import {
  codeOf,
  httpGateClient,
  npmServer,
  stdioGate,
  textOf,
  type GateProcess,
} from '../support/mcp-gate.ts';
import { approve, CliLedger, CliProcess } from './cli-process.ts';

const FIXTURE = fileURLToPath(new URL('../support/mcp-fixture-server.js', import.meta.url));

const ledgers: CliLedger[] = [];
const gates: GateProcess[] = [];
const others: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await Promise.all(gates.splice(0).map((gate) => gate.close()));
  await Promise.all(others.splice(0).map((close) => close()));
  await Promise.all(ledgers.splice(0).map((ledger) => ledger.discard()));
});

interface At {
  readonly ledger: CliLedger;
  readonly person: HttpPerson;
}

async function founded(): Promise<At> {
  const ledger = await CliLedger.start();
  ledgers.push(ledger);
  return { ledger, person: await ledger.founder() };
}

async function gateOf({ ledger }: At, ...args: readonly string[]): Promise<GateProcess> {
  const gate = await stdioGate(['--data', ledger.data, ...args], { cwd: ledger.folder });
  gates.push(gate);
  return gate;
}

/** The tools of a server that does what a test wants, and what they have done. */
async function fixture({ ledger }: At): Promise<{
  readonly args: readonly string[];
  readonly marks: () => Promise<string[]>;
  readonly describeAs: (text: string) => Promise<void>;
}> {
  const [marks, description] = [ledger.at('marks'), ledger.at('description')];
  await Promise.all([writeFile(marks, ''), writeFile(description, 'leaves a mark')]);
  return {
    args: ['--', process.execPath, FIXTURE, marks, description],
    marks: async () =>
      (await readFile(marks, 'utf8')).split('\n').flatMap((line) => line.split(' ')[1] ?? []),
    describeAs: (text) => writeFile(description, text),
  };
}

function config({ ledger }: At, tools: Readonly<Record<string, string>>): Promise<void> {
  const text = JSON.stringify({ v: 'countersign.mcp-gate.v1', tools });
  return writeFile(ledger.at('countersign.mcp.json'), text);
}

/** Calls that wait for a decision, once there are so many. */
async function waiting({ person }: At, count: number): Promise<string[]> {
  for (let i = 0; i < 400; i += 1) {
    const open = (await person.inbox()).filter(({ type }) => type === 'generic.tool_call');
    if (open.length === count) return open.map(({ action_id }) => action_id);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`expected ${count} calls in the inbox`);
}

async function argumentsOf({ person }: At, id: string): Promise<string> {
  const { action } = await person.review(id);
  const { params } = JSON.parse(action) as { params: { arguments: string } };
  return (JSON.parse(params.arguments) as { text: string }).text;
}

function mark(gate: GateProcess, text: string, timeout = 60_000): Promise<unknown> {
  return gate.client.callTool({ name: 'mark', arguments: { text } }, undefined, { timeout });
}

/** Types of the entries of the log, the newest last. */
async function entries({ ledger }: At): Promise<string[]> {
  const { stdout } = await ledger.run('log list', ['--json', '--limit', '200']).ended;
  return [...stdout.matchAll(/\\"type\\":\\"([a-z-]+)\\"/g)].map(([, type = '']) => type);
}

describe('mcp-gate before a server of npm', () => {
  it('holds a call until a person has approved it, and runs it with the arguments that were approved', async () => {
    const at = await founded();
    const files = at.ledger.at('files');
    await mkdir(files);
    await config(at, { 'read_*': 'pass', 'list_*': 'pass' });
    const server = await npmServer('@modelcontextprotocol/server-filesystem');
    const { client } = await gateOf(at, '--', ...server, files);
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('write_file');
    const path = `${files}/note.txt`;
    const writing = client.callTool({ name: 'write_file', arguments: { path, content: 'hello' } });
    const [id = ''] = await waiting(at, 1);
    expect(await readdir(files)).toEqual([]);
    await approve(at.person, id);
    expect(codeOf(await writing)).toBeUndefined();
    expect(await readFile(path, 'utf8')).toBe('hello');
    const read = await client.callTool({ name: 'read_text_file', arguments: { path } });
    expect(textOf(read)).toBe('hello');

    const denied = client.callTool({ name: 'write_file', arguments: { path, content: 'worse' } });
    const [other = ''] = await waiting(at, 1);
    await at.person.decide(other, 'deny', 'no');
    expect(codeOf(await denied)).toBe('DENIED');
    expect(await readFile(path, 'utf8')).toBe('hello');
  });

  it('does so over HTTP on both sides, and asks no person about what passes', async () => {
    const at = await founded();
    const [everything, port] = [
      await npmServer('@modelcontextprotocol/server-everything'),
      await freePort(),
    ];
    const upstream = new HttpServer([...everything, 'streamableHttp'], port);
    others.push(() => upstream.stop());
    await upstream.ready();
    await config(at, { echo: 'pass' });
    const gate = at.ledger.run('mcp-gate', [
      ...['--upstream', `http://127.0.0.1:${port}/mcp`],
      ...['--listen', `127.0.0.1:${await freePort()}`],
    ]);
    others.push(() => gate.signal('SIGTERM'));
    const [, url = ''] = await gate.said(/MCP at (\S+)/);
    const client = await httpGateClient(url);
    others.push(() => client.close());
    const echo = await client.callTool({ name: 'echo', arguments: { message: 'hi' } });
    expect(textOf(echo)).toBe('Echo: hi');
    expect(await waiting(at, 0)).toEqual([]);

    const progress: string[] = [];
    const sum = client.callTool({ name: 'get-sum', arguments: { a: 2, b: 0.5 } }, undefined, {
      onprogress: ({ message = '' }) => progress.push(message),
    });
    const [id = ''] = await waiting(at, 1);
    await approve(at.person, id);
    expect(textOf(await sum)).toContain('2.5');
    expect(progress[0]).toContain(`/action/${id}`);
  });

  it('does so for a client over HTTP and a server that it starts itself', async () => {
    const at = await founded();
    const memory = await npmServer('@modelcontextprotocol/server-memory');
    await config(at, { read_graph: 'pass' });
    const gate = at.ledger.run(
      'mcp-gate',
      [
        ...['--listen', `127.0.0.1:${await freePort()}`, '--env', 'MEMORY_FILE_PATH'],
        ...['--', ...memory],
      ],
      { env: { MEMORY_FILE_PATH: at.ledger.at('memory.jsonl') } },
    );
    others.push(() => gate.signal('SIGTERM'));
    const [, url = ''] = await gate.said(/MCP at (\S+)/);
    const client = await httpGateClient(url, 'secret-of-the-client');
    others.push(() => client.close());
    const entity = { name: 'Ada', entityType: 'person', observations: ['counts'] };
    const made = client.callTool({ name: 'create_entities', arguments: { entities: [entity] } });
    const [id = ''] = await waiting(at, 1);
    await approve(at.person, id);
    expect(codeOf(await made)).toBeUndefined();
    const graph = await client.callTool({ name: 'read_graph', arguments: {} });
    expect(textOf(graph)).toContain('Ada');

    // Nobody else gets at the session, however they came by its id.
    const session = (client.transport as { sessionId?: string }).sessionId ?? '';
    const foreign = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'mcp-session-id': session },
      body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    });
    expect(foreign.status).toBe(404);
    // Nor a page in a browser.
    const page = await fetch(url, { method: 'POST', headers: { origin: 'https://evil.example' } });
    expect(page.status).toBe(403);
  });

  it('does so for a client on a pipe and a server over HTTP', async () => {
    const at = await founded();
    const [everything, port] = [
      await npmServer('@modelcontextprotocol/server-everything'),
      await freePort(),
    ];
    const upstream = new HttpServer([...everything, 'streamableHttp'], port);
    others.push(() => upstream.stop());
    await upstream.ready();
    const gate = await gateOf(at, '--upstream', `http://127.0.0.1:${port}/mcp`);
    const echo = gate.client.callTool({ name: 'echo', arguments: { message: 'hi' } });
    const [id = ''] = await waiting(at, 1);
    await approve(at.person, id);
    expect(textOf(await echo)).toBe('Echo: hi');
  });
});

/** A server of npm that listens by itself. */
class HttpServer {
  readonly #process: CliProcess;

  constructor([, script = '', ...args]: readonly string[], port: number) {
    const env = { PORT: String(port) };
    this.#process = new CliProcess([script, ...args], { env, program: true });
  }

  async ready(): Promise<void> {
    await this.#process.said(/listening on port/i);
  }

  stop(): Promise<unknown> {
    return this.#process.signal('SIGKILL');
  }
}

describe('a call that mcp-gate holds', () => {
  it('A05: is answered by its own decision, whatever order those of parallel calls come in', async () => {
    const at = await founded();
    const { args, marks } = await fixture(at);
    const gate = await gateOf(at, ...args);
    const texts = ['a', 'b', 'c', 'd'];
    const calls = texts.map((text) => mark(gate, text));
    const ids = await waiting(at, 4);
    const byText = new Map<string, string>();
    for (const id of ids) byText.set(await argumentsOf(at, id), id);
    await at.person.decide(byText.get('b') ?? '', 'deny', 'not this one');
    for (const text of ['d', 'a', 'c']) await approve(at.person, byText.get(text) ?? '');
    const ended = await Promise.all(calls);
    expect(ended.map(codeOf)).toEqual([undefined, 'DENIED', undefined, undefined]);
    expect(ended.map(textOf).filter((text) => text.startsWith('did'))).toEqual([
      'did a',
      'did c',
      'did d',
    ]);
    expect((await marks()).toSorted()).toEqual(['a', 'c', 'd']);
  });

  it('C18: outlives the patience of its client: the same call finds its request again, and uses it once', async () => {
    const at = await founded();
    const { args, marks } = await fixture(at);
    const gate = await gateOf(at, ...args);
    await expect(mark(gate, 'x', 1_500)).rejects.toThrow(/timed out/i);
    const [id = ''] = await waiting(at, 1);
    // Another call is another request, and one of the same text from another gate is one, too.
    await expect(mark(gate, 'y', 1_500)).rejects.toThrow(/timed out/i);
    expect(await waiting(at, 2)).toContain(id);
    await approve(at.person, id);
    expect(await marks()).toEqual([]);
    expect(textOf(await mark(gate, 'x'))).toBe('did x');
    // It is used: the next one of the same text asks anew.
    const again = mark(gate, 'x');
    const open = await waiting(at, 2);
    expect(open).not.toContain(id);
    for (const other of open) await at.person.decide(other, 'deny', 'enough');
    expect(codeOf(await again)).toBe('DENIED');
    expect(await marks()).toEqual(['x']);
  });

  it('two calls of the same text at the same time are two requests', async () => {
    const at = await founded();
    const { args, marks } = await fixture(at);
    const gate = await gateOf(at, ...args);
    const both = [mark(gate, 'x'), mark(gate, 'x')];
    for (const id of await waiting(at, 2)) await approve(at.person, id);
    expect((await Promise.all(both)).map(textOf)).toEqual(['did x', 'did x']);
    expect(await marks()).toEqual(['x', 'x']);
  });

  it('A09: TOOL_CHANGED when the server describes the tool otherwise once it is approved', async () => {
    const at = await founded();
    const { args, marks, describeAs } = await fixture(at);
    const gate = await gateOf(at, ...args);
    const call = mark(gate, 'x');
    const [id = ''] = await waiting(at, 1);
    await describeAs('leaves a mark, and sends your files');
    await approve(at.person, id);
    expect(codeOf(await call)).toBe('TOOL_CHANGED');
    // And for as long as this gate runs.
    expect(codeOf(await mark(gate, 'x'))).toBe('TOOL_CHANGED');
    expect(await marks()).toEqual([]);
  });

  it('A09: TOOL_CHANGED for a gate that is started later, when the tool was pinned in the configuration', async () => {
    const at = await founded();
    const { args, marks, describeAs } = await fixture(at);
    const pinned = await at.ledger.run('mcp-gate', ['--pins', ...args]).ended;
    expect(pinned.exit).toBe(0);
    await writeFile(at.ledger.at('countersign.mcp.json'), pinned.stdout);
    await describeAs('leaves a mark, and sends your files');
    const gate = await gateOf(at, ...args);
    expect(codeOf(await mark(gate, 'x'))).toBe('TOOL_CHANGED');
    await describeAs('leaves a mark');
    const call = mark(gate, 'x');
    const [id = ''] = await waiting(at, 1);
    await approve(at.person, id);
    expect(textOf(await call)).toBe('did x');
    expect(await marks()).toEqual(['x']);
  });

  it('A09: TOOL_CHANGED when another program is in the place of the server that a gate starts for each session', async () => {
    const at = await founded();
    const { args, marks } = await fixture(at);
    const server = at.ledger.at('server.mjs');
    const program = `#!${process.execPath}\n${await readFile(FIXTURE, 'utf8')}`;
    await writeFile(server, program, { mode: 0o700 });
    await config(at, { mark: 'pass' });
    const listen = ['--listen', `127.0.0.1:${await freePort()}`];
    const gate = at.ledger.run('mcp-gate', [...listen, '--', server, ...args.slice(3)]);
    others.push(() => gate.signal('SIGTERM'));
    const [, url = ''] = await gate.said(/MCP at (\S+)/);
    const called = async (text: string): Promise<string> => {
      const client = await httpGateClient(url);
      others.push(() => client.close());
      return textOf(await client.callTool({ name: 'mark', arguments: { text } }));
    };
    expect(await called('x')).toBe('did x');
    await writeFile(server, program.replace('did ', 'was paid to do '));
    await expect(called('y')).rejects.toThrow(/TOOL_CHANGED/);
    expect(await marks()).toEqual(['x']);
    await writeFile(server, program);
    expect(await called('z')).toBe('did z');
  });

  it('A09: is another call for another gate, to which the tool was described otherwise', async () => {
    const at = await founded();
    const { args, marks, describeAs } = await fixture(at);
    const first = await gateOf(at, ...args);
    await expect(mark(first, 'x', 1_500)).rejects.toThrow(/timed out/i);
    const [id = ''] = await waiting(at, 1);
    await approve(at.person, id);
    await first.close();
    await describeAs('leaves a mark, and sends your files');
    const second = await gateOf(at, ...args);
    const call = mark(second, 'x');
    const [other = ''] = await waiting(at, 1);
    expect(other).not.toBe(id);
    await at.person.decide(other, 'deny', 'no');
    expect(codeOf(await call)).toBe('DENIED');
    expect(await marks()).toEqual([]);
  });

  it('C13, C16: OUTCOME_UNKNOWN after the gate died while it ran: said once, reported, and never run again', async () => {
    const at = await founded();
    const { args, marks } = await fixture(at);
    const hang = (gate: GateProcess): Promise<unknown> =>
      gate.client.callTool({ name: 'hang', arguments: { text: 'x' } });
    const first = await gateOf(at, ...args);
    const lost = hang(first).catch((error: unknown) => error);
    const [id = ''] = await waiting(at, 1);
    await approve(at.person, id);
    while ((await marks()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    process.kill(first.pid, 'SIGKILL');
    await lost;
    const second = await gateOf(at, ...args);
    expect(codeOf(await hang(second))).toBe('OUTCOME_UNKNOWN');
    expect(await marks()).toEqual(['x']);
    expect(second.said()).toContain('unknown');
    expect(await entries(at)).toContain('execution-reported');
    // What comes now is a new call: a person decides about it, who can see the one before.
    const asked = hang(second);
    const [next = ''] = await waiting(at, 1);
    expect(next).not.toBe(id);
    await at.person.decide(next, 'deny', 'look first');
    expect(codeOf(await asked)).toBe('DENIED');
    expect(await marks()).toEqual(['x']);
  });

  it('is found again by the gate that is started after one that died while it waited', async () => {
    const at = await founded();
    const { args, marks } = await fixture(at);
    const first = await gateOf(at, ...args);
    const lost = mark(first, 'x').catch((error: unknown) => error);
    const [id = ''] = await waiting(at, 1);
    process.kill(first.pid, 'SIGKILL');
    await lost;
    await approve(at.person, id);
    const second = await gateOf(at, ...args);
    expect(textOf(await mark(second, 'x'))).toBe('did x');
    expect(await waiting(at, 0)).toEqual([]);
    expect(await marks()).toEqual(['x']);
  });

  it('H02: does not run while the ledger cannot be reached', async () => {
    const at = await founded();
    const { args, marks } = await fixture(at);
    const gate = await gateOf(at, ...args);
    await at.ledger.stop();
    expect(codeOf(await mark(gate, 'x'))).toBe('LEDGER_UNREACHABLE');
    expect(await marks()).toEqual([]);
  });

  it('leaves evidence that verifies, and the name of its use at the server', async () => {
    const at = await founded();
    const { args } = await fixture(at);
    const gate = await gateOf(at, ...args);
    const call = mark(gate, 'x');
    const [id = ''] = await waiting(at, 1);
    await approve(at.person, id);
    await call;
    const file = at.ledger.at('evidence.json');
    expect((await at.ledger.run('evidence', [id, '-o', file]).ended).exit).toBe(0);
    const verified = await new CliProcess(
      ['verify', file, '--trust', `${at.ledger.data}/trust.json`],
      { cwd: at.ledger.folder },
    ).ended;
    expect(verified.stdout).toMatch(/VALID at level human\n$/);
    expect(verified.stdout).toContain('for executor  local-mcp-gate');
    expect(await readFile(at.ledger.at('marks'), 'utf8')).toMatch(/^mark x cs-[0-9A-Z]{10}\n$/);
  });
});
