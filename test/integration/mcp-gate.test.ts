import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { HttpPerson } from '../support/http-person.ts';
import { codeOf, npmServer, stdioGate, textOf, type GateProcess } from '../support/mcp-gate.ts';
import { approve, CliLedger } from './cli-process.ts';

const ledgers: CliLedger[] = [];
const gates: GateProcess[] = [];

afterEach(async () => {
  await Promise.all(gates.splice(0).map((gate) => gate.close()));
  await Promise.all(ledgers.splice(0).map((ledger) => ledger.discard()));
});

interface At {
  readonly ledger: CliLedger;
  readonly person: HttpPerson;
  readonly files: string;
}

async function founded(): Promise<At> {
  const ledger = await CliLedger.start();
  ledgers.push(ledger);
  const files = ledger.at('files');
  await mkdir(files);
  return { ledger, person: await ledger.founder(), files };
}

async function gateOf(at: At, server: readonly string[]): Promise<GateProcess> {
  const { ledger } = at;
  const gate = await stdioGate(['--data', ledger.data, '--', ...server], { cwd: ledger.folder });
  gates.push(gate);
  return gate;
}

/** Requests that wait for a decision, once there are so many. */
async function waiting(person: HttpPerson, count: number): Promise<string[]> {
  for (let i = 0; i < 400; i += 1) {
    const open = (await person.inbox()).filter(({ type }) => type === 'generic.tool_call');
    if (open.length === count) return open.map(({ action_id }) => action_id);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`expected ${count} calls in the inbox`);
}

async function filesystem(at: At): Promise<GateProcess> {
  const server = await npmServer('@modelcontextprotocol/server-filesystem');
  return gateOf(at, [...server, at.files]);
}

function config(at: At, tools: Readonly<Record<string, string>>): Promise<void> {
  const text = JSON.stringify({ v: 'countersign.mcp-gate.v1', tools });
  return writeFile(at.ledger.at('countersign.mcp.json'), text);
}

describe('mcp-gate', () => {
  it('holds a call until a person has approved it, and runs it with the arguments that were approved', async () => {
    const at = await founded();
    await config(at, { 'read_*': 'pass', 'list_*': 'pass' });
    const { client } = await filesystem(at);
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('write_file');
    const path = `${at.files}/note.txt`;
    const writing = client.callTool({ name: 'write_file', arguments: { path, content: 'hello' } });
    const [id = ''] = await waiting(at.person, 1);
    expect(await readdir(at.files)).toEqual([]);
    await approve(at.person, id);
    expect(codeOf(await writing)).toBeUndefined();
    expect(await readFile(path, 'utf8')).toBe('hello');
    const read = await client.callTool({ name: 'read_text_file', arguments: { path } });
    expect(textOf(read)).toBe('hello');

    const denied = client.callTool({ name: 'write_file', arguments: { path, content: 'worse' } });
    const [other = ''] = await waiting(at.person, 1);
    await at.person.decide(other, 'deny', 'no');
    expect(codeOf(await denied)).toBe('DENIED');
    expect(await readFile(path, 'utf8')).toBe('hello');
  });
});
