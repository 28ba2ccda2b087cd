import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { BrokerError, type Broker, type TopicPartition } from '@countersign/broker';
import { brokerContract } from '@countersign/broker/testing';
import { openSqliteBroker } from '@countersign/broker-sqlite';
import { openDatabase } from '@countersign/sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const LOG: TopicPartition = { topic: 'log', partition: 0 };
const CONTENT: TopicPartition = { topic: 'content', partition: 0 };

for (const [name, bound] of [
  ['sqlite', {}],
  ['sqlite, reading from the file alone', { recentBytesMax: 0 }],
] as const) {
  brokerContract(name, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'broker-'));
    const path = join(folder, 'topics.db');
    let nowMs = 1_000;
    return {
      open: () => openSqliteBroker({ path, clock: () => nowMs, ...bound }),
      dispose: () => rm(folder, { recursive: true }),
      setClock: (ms: number) => {
        nowMs = ms;
      },
    };
  });
}

let folder: string;
let path: string;
const opened: Broker[] = [];

async function open(maxPages?: number): Promise<Broker> {
  const bound = maxPages === undefined ? {} : { maxPages };
  const broker = await openSqliteBroker({ path, clock: () => 5, ...bound });
  opened.push(broker);
  return broker;
}

async function codeAndKind(operation: Promise<unknown>): Promise<string> {
  try {
    await operation;
  } catch (error) {
    if (error instanceof BrokerError) return `${error.code} ${error.kind}`;
    throw error;
  }
  return 'resolved';
}

function record(text: string, key = 'k'): { key: string; value: Uint8Array } {
  return { key, value: Buffer.from(text) };
}

async function everything(broker: Broker): Promise<string[]> {
  const found: string[] = [];
  const end = await broker.end(LOG);
  while (found.length < end) {
    const records = await broker.read(LOG, found.length, 5_000);
    for (const { value } of records) found.push(Buffer.from(value ?? []).toString());
  }
  return found;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'broker-'));
  path = join(folder, 'topics.db');
});

afterEach(async () => {
  for (const broker of opened.splice(0)) await broker.close();
  await rm(folder, { recursive: true });
});

describe('a process that is killed', () => {
  const ROUNDS = 5;

  it('loses no acknowledged record, and leaves no append half done', async () => {
    const acknowledged = new Map<number, string>();
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const line of await appendUntilKilled(`${round}`, 60 * (round + 1))) {
        const [offset = '', id = ''] = line.split(' ');
        acknowledged.set(Number(offset), id);
      }
      // Opened right after the kill: the lock of a dead process is gone with it.
      const broker = await open();
      const texts = await everything(broker);
      await broker.close();
      for (const [offset, id] of acknowledged) {
        const parts = texts.slice(offset, offset + 3).map((text) => text.split(' ')[0]);
        expect(parts).toEqual([`${id}.0`, `${id}.1`, `${id}.2`]);
      }
      expect(texts.length % 3).toBe(0);
    }
    expect(acknowledged.size).toBeGreaterThan(ROUNDS);
  }, 60_000);

  /** The lines it printed before it died, without a last one that was cut. */
  function appendUntilKilled(run: string, lifeMs: number): Promise<string[]> {
    const args = ['--conditions=@countersign/source', '--import', 'tsx'];
    const script = fileURLToPath(new URL('./appender.ts', import.meta.url));
    const child = spawn(process.execPath, [...args, script, path, run], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    let killer: NodeJS.Timeout | undefined;
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      killer ??= setTimeout(() => child.kill('SIGKILL'), lifeMs);
    });
    return new Promise((resolve, reject) => {
      child.on('close', (_code, signal) => {
        if (signal === 'SIGKILL') resolve(printed.split('\n').slice(0, -1));
        else reject(new Error(`expected the appender to be killed, it ended by itself`));
      });
    });
  }
});

describe('a file', () => {
  it('of somebody else is BROKER_FOREIGN, and stays as it was', async () => {
    await writeFile(path, 'not a topic '.repeat(100));
    expect(await codeAndKind(open())).toBe('BROKER_FOREIGN fatal');
    expect(await readFile(path, 'utf8')).toBe('not a topic '.repeat(100));
  });

  it('that another broker holds is BROKER_BUSY, and that one goes on', async () => {
    const first = await open();
    expect(await codeAndKind(open())).toBe('BROKER_BUSY fatal');
    await first.append(LOG, [record('still here')]);
    expect(await everything(first)).toEqual(['still here']);
  });

  it('whose tables are damaged is BROKER_CORRUPT', async () => {
    const first = await open();
    await first.append(
      LOG,
      Array.from({ length: 300 }, (_, i) => record(`${i} ${'x'.repeat(500)}`)),
    );
    await first.close();
    const bytes = await readFile(path);
    bytes.fill(0x7f, 4096 * 10);
    await writeFile(path, bytes);
    const damaged = await open();
    expect(await codeAndKind(everything(damaged))).toBe('BROKER_CORRUPT fatal');
  });

  it.each(['the value', 'the key'])(
    'with one bit flipped in %s is BROKER_CORRUPT',
    async (text) => {
      const first = await open();
      await first.append(LOG, [record('the value', 'the key')]);
      await first.append(LOG, [record('another', 'k')]);
      await first.close();
      const bytes = await readFile(path);
      const at = bytes.indexOf(text);
      bytes[at + 5] = (bytes[at + 5] ?? 0) ^ 1;
      await writeFile(path, bytes);
      const damaged = await open();
      expect(await codeAndKind(damaged.read(LOG, 0, 1))).toBe('BROKER_CORRUPT fatal');
      expect(await damaged.read(LOG, 1, 1)).toHaveLength(1);
    },
  );

  it('that may not grow is BROKER_DISK_FULL: nothing of that append, all of the others', async () => {
    const broker = await open(30);
    await broker.append(LOG, [record('before')]);
    const outcomes = await Promise.all([
      codeAndKind(broker.append(LOG, [record('small')])),
      codeAndKind(broker.append(LOG, [record('part of it'), record('x'.repeat(500_000))])),
      codeAndKind(broker.append(LOG, [record('small too')])),
    ]);
    expect(outcomes).toEqual(['resolved', 'BROKER_DISK_FULL retryable', 'resolved']);
    await broker.close();
    const roomier = await open();
    await roomier.append(LOG, [record('after')]);
    expect(await everything(roomier)).toEqual(['before', 'small', 'small too', 'after']);
  });
});

describe('erasure', () => {
  it('leaves no byte of the value in any file', async () => {
    const broker = await open();
    const secret = 'salary of somebody ';
    const intake: TopicPartition = { topic: 'intake', partition: 1 };
    for (const tp of [CONTENT, intake]) {
      await broker.append(tp, [record(secret, 'gone'), record(secret.repeat(5_000), 'gone')]);
      await broker.append(tp, [record('stays as it is', 'kept')]);
    }
    expect(await onDisk(secret)).toBe(true);
    await broker.erase('content', 'gone');
    await broker.erase('intake', 'gone');
    expect(await onDisk('stays as it is')).toBe(true);
    expect(await onDisk('salary of')).toBe(false);
    const values = (await broker.read(CONTENT, 0, 10)).map((r) => r.value?.length ?? null);
    expect(values).toEqual([null, null, 14]);
  });

  async function onDisk(text: string): Promise<boolean> {
    const names = await readdir(folder);
    expect(names).toContain('topics.db');
    const files = await Promise.all(names.map((name) => readFile(join(folder, name))));
    return files.some((bytes) => bytes.includes(text));
  }
});

describe('appends that are issued together', () => {
  it('keep their order, each with its own place, beside an erasure issued among them', async () => {
    const broker = await open();
    const first = broker.append(CONTENT, [record('one', 'a'), record('two', 'b')]);
    const second = broker.append(CONTENT, [record('three', 'a')]);
    const erased = broker.erase('content', 'a');
    const third = broker.append(CONTENT, [record('four', 'a')]);
    const places = await Promise.all([first, second, third]);
    expect(places.map(({ firstOffset }) => firstOffset)).toEqual([0, 2, 3]);
    expect(await erased).toBe(2);
    const values = (await broker.read(CONTENT, 0, 9)).map(({ value }) =>
      value === null ? null : Buffer.from(value).toString(),
    );
    expect(values).toEqual([null, 'two', null, 'four']);
  });

  it('are stored before the broker is closed', async () => {
    const broker = await open();
    const appends = [broker.append(LOG, [record('one')]), broker.append(LOG, [record('two')])];
    await broker.close();
    await Promise.all(appends);
    expect(await everything(await open())).toEqual(['one', 'two']);
  });
});

describe('what is answered from memory', () => {
  it('is what the file would answer, wherever the memory begins', async () => {
    const broker = await openSqliteBroker({ path, clock: () => 5, recentBytesMax: 2_000 });
    opened.push(broker);
    for (let at = 0; at < 40; at += 1) await broker.append(LOG, [record(`${at}`.repeat(at))]);
    for (let from = 0; from <= 40; from += 1) {
      const found = await broker.read(LOG, from, 3);
      const texts = found.map(({ value }) => Buffer.from(value ?? []).toString());
      const wanted = [from, from + 1, from + 2].filter((at) => at < 40);
      expect(texts).toEqual(wanted.map((at) => `${at}`.repeat(at)));
      expect(found.map(({ offset }) => offset)).toEqual(wanted);
    }
  });

  it('is gone once it is erased', async () => {
    const broker = await open();
    await broker.append(CONTENT, [record('secret', 'a'), record('other', 'b')]);
    expect(await broker.read(CONTENT, 0, 9)).toHaveLength(2);
    await broker.erase('content', 'a');
    const values = (await broker.read(CONTENT, 0, 9)).map(({ value }) => value);
    expect(values).toEqual([null, new Uint8Array(Buffer.from('other'))]);
  });
});

describe('a file of the first format', () => {
  // As that release wrote it, but for the pages around it.
  const V1 = `CREATE TABLE topic_end (
     topic TEXT NOT NULL, part INTEGER NOT NULL, next INTEGER NOT NULL, time_ms INTEGER NOT NULL,
     PRIMARY KEY (topic, part)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE record (
     topic TEXT NOT NULL, part INTEGER NOT NULL, pos INTEGER NOT NULL, time_ms INTEGER NOT NULL,
     key TEXT NOT NULL, value BLOB, crc INTEGER NOT NULL,
     PRIMARY KEY (topic, part, pos)
   ) STRICT;
   CREATE INDEX record_key ON record (topic, key) WHERE topic NOT IN ('log', 'quarantine');`;
  const applicationId = 0x43534252;

  it('is read as it was, and goes on with headers', async () => {
    const old = await openDatabase({ path, applicationId, userVersion: 1, schema: [V1] });
    const value = Buffer.from('from before');
    const crc = crc32(value, crc32('k'));
    await old.run([
      { sql: 'INSERT INTO topic_end VALUES (?, ?, ?, ?)', params: ['log', 0, 1, 7] },
      {
        sql: 'INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)',
        params: ['log', 0, 0, 7, 'k', value, crc],
      },
    ]);
    await old.close();
    const before = { offset: 0, appendTimeMs: 7, key: 'k', value: new Uint8Array(value) };
    const broker = await open();
    expect(await broker.read(LOG, 0, 9)).toEqual([before]);
    await broker.append(LOG, [{ ...record('after'), headers: { a: 'b' } }]);
    await broker.close();
    const again = await (await open()).read(LOG, 0, 9);
    expect(again[0]).toEqual(before);
    expect(again[1]?.headers).toEqual({ a: 'b' });
  });

  it.each(['', '{', '[]', '"x"', 'null', '{"a":1}', '{"A":"x","b":"\\u0000"}'])(
    'has no headers where %j stands for them',
    async (text) => {
      const first = await open();
      await first.append(LOG, [{ ...record('v'), headers: { a: 'b' } }]);
      await first.close();
      const raw = { path, applicationId, userVersion: 2, schema: [] };
      const database = await openDatabase(raw);
      await database.run([{ sql: 'UPDATE record SET headers = ?', params: [text] }]);
      await database.close();
      const [read] = await (await open()).read(LOG, 0, 1);
      expect([read?.headers, Buffer.from(read?.value ?? []).toString()]).toEqual([undefined, 'v']);
    },
  );
});
