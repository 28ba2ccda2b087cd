import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { MeddlingProxy } from '../support/meddling-proxy.ts';
import { approve, countersign, type CliLedger, type Ended } from './cli-process.ts';
import { ledgersOfTests } from './ledgers-of-tests.ts';

const { create } = ledgersOfTests();

let ledger: CliLedger;
let proxy: MeddlingProxy;

beforeEach(async () => {
  ledger = await create();
  proxy = await MeddlingProxy.listen(await freePort(), ledger.port);
  await ledger.serve('--port', String(ledger.port), '--public-url', proxy.url);
});

afterEach(async () => {
  await proxy.close();
});

/** A command whose server is whoever has the proxy; its keys and its trust are its own. */
function run(command: string, args: readonly string[], key: 'agent' | 'operator'): Promise<Ended> {
  const keys = join(ledger.data, 'keys');
  const id = key === 'agent' ? 'local-agent' : 'operator';
  return countersign(
    [
      ...[command, '--url', proxy.url, '--trust', join(ledger.data, 'trust.json')],
      ...['--key', join(keys, `${key}.key`), '--agent-id', id, ...args],
    ],
    { cwd: ledger.folder },
  );
}

/** Asked for and approved: an action of which the server has true evidence. */
async function approvedCommand(): Promise<{ readonly id: string; readonly evidence: string }> {
  const person = await ledger.founder();
  const { id, exec } = await ledger.ask(['--', '/bin/true']);
  await approve(person, id);
  expect((await exec.ended).exit).toBe(0);
  const { stdout } = await ledger.run('evidence', [id]).ended;
  return { id, evidence: stdout };
}

describe('a server that lies', () => {
  it('A05: chooses no other approved action to be run: ACTION_DIGEST_MISMATCH', async () => {
    const { evidence } = await approvedCommand();
    const named = '01M8MCB8MGBN35HZP4Z2YB6RZX';
    proxy.meddle = (call) =>
      call.includes(`/v1/actions/${named}/evidence`) ? { status: 200, body: evidence } : 'pass';
    const executor = ['--executor-key', join(ledger.data, 'keys', 'executor.key')];
    const ended = await run('exec', [...executor, '--batch', named, '--item', '1'], 'agent');
    expect([ended.exit, ended.stderr]).toEqual([
      1,
      expect.stringContaining('ACTION_DIGEST_MISMATCH: expected evidence of the action'),
    ]);
  });

  it('does not make anybody believe that the ledger is frozen', async () => {
    const { evidence } = await approvedCommand();
    const entry = { index: 1, leaf: 'x', type: 'request-admitted', text: 'x' };
    proxy.meddle = (call) => {
      if (call.startsWith('POST /v1/requests')) {
        return { status: 200, body: JSON.stringify({ input: 'x', receipt: 'x', entry }) };
      }
      if (call.includes('/evidence')) return { status: 200, body: evidence };
      const view = { action_id: '01M8MCB8MGBN35HZP4Z2YB6RZX', status: 'bound', last_index: 9 };
      return call.startsWith('GET /v1/actions/')
        ? { status: 200, body: JSON.stringify({ ...view, code: null }) }
        : 'pass';
    };
    const ended = await run('freeze', ['--reason', 'stop'], 'operator');
    expect(ended.stdout).toBe('');
    expect([ended.exit, ended.stderr]).toEqual([
      1,
      expect.stringContaining('ACTION_DIGEST_MISMATCH'),
    ]);
  });
});
