import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { LedgerClient, SdkError, type Patience } from '@countersign/sdk';

const VIEW = JSON.stringify({ status: 'bound', last_index: 4 });

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A ledger that cuts the connection of its first calls. */
async function failing(cuts: number): Promise<{ client: LedgerClient; calls: string[] }> {
  const calls: string[] = [];
  const server = createServer((request, response) => {
    calls.push(`${request.method ?? ''} ${request.url ?? ''}`);
    if (calls.length <= cuts) request.socket.destroy();
    else response.end(VIEW);
  });
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const client = new LedgerClient({
    url: `http://127.0.0.1:${port}`,
    reader: { keyId: `sha256:${'0'.repeat(64)}`, sign: () => new Uint8Array(64) },
    interrupted: new AbortController().signal,
    nowMs: Date.now,
    randomBytes: (size) => new Uint8Array(size),
  });
  return { client, calls };
}

async function codeOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
  } catch (error) {
    if (error instanceof SdkError) return error.code;
    throw error;
  }
  return 'nothing';
}

function telling(forMs: number): {
  patience: Patience;
  told: string[];
} {
  const told: string[] = [];
  const onAway = (): number => told.push('away');
  return { patience: { forMs, onAway, onBack: () => told.push('back') }, told };
}

describe('a ledger that is away for a while', () => {
  it('is read again by whoever waits, who is told once', async () => {
    const { client, calls } = await failing(3);
    const { patience, told } = telling(60_000);
    expect(await client.patient(patience).action('x', 3)).toMatchObject({ status: 'bound' });
    expect([calls.length, told]).toEqual([4, ['away', 'back']]);
  });

  it('is given up after the time that is borne', async () => {
    const { client, calls } = await failing(100);
    const { patience, told } = telling(700);
    const read = (): Promise<unknown> => client.patient(patience).action('x');
    expect(await codeOf(read)).toBe('LEDGER_UNREACHABLE');
    expect(calls.length).toBeGreaterThan(1);
    expect(told).toEqual(['away']);
  });

  it('is not read again by whoever does not wait', async () => {
    const { client, calls } = await failing(1);
    expect(await codeOf(() => client.action('x'))).toBe('LEDGER_UNREACHABLE');
    expect(calls).toHaveLength(1);
  });

  it('is sent nothing twice, however long anybody waits', async () => {
    const { client, calls } = await failing(1);
    const { patience, told } = telling(60_000);
    const send = (): Promise<unknown> => client.patient(patience).submit('uses', '{}');
    expect(await codeOf(send)).toBe('LEDGER_UNREACHABLE');
    expect([calls.length, told]).toEqual([1, []]);
  });
});
