import { generateKeyPairSync } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '@countersign/canonical';
import { TileEdge, formatCheckpoint, signNote } from '@countersign/tlog';
import { parseTrust } from '@countersign/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signerOf } from '../../packages/tlog/test/node-keys.ts';
import { exportLog } from '../../services/cli/src/log-export.ts';
import { growLog } from '../support/grown-log.ts';
import { HttpLedger } from '../support/http-ledger.ts';
import { buildTlogcheck, type Tlogcheck } from '../support/tlogcheck.ts';

let folder: string;
let tlogcheck: Tlogcheck;
let http: HttpLedger;
let size: number;

const at = (...names: string[]): string => join(folder, ...names);
const policy = (): string => at('policy.txt');

async function exported(from: HttpLedger, name: string): Promise<string> {
  const trust = parseTrust(from.trustFile());
  await exportLog(at(name), { client: from.reader(), trust });
  return `file://${at(name)}`;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tlogcheck-'));
  tlogcheck = buildTlogcheck(folder);
  http = await HttpLedger.start({}, {}, { publicLog: true });
  await writeFile(policy(), `log ${http.ledger.signer.vkey}\nquorum none\n`);
  await growLog(http.ledger, 300);
  await exported(http, 'early');
  size = await growLog(http.ledger, 530);
  await exported(http, 'log');
}, 300_000);

afterAll(async () => {
  await http.discard();
  await rm(folder, { recursive: true });
});

/** A copy of the exported log in which something was done. */
async function changed(change: (folder: string) => Promise<unknown>): Promise<string> {
  const copy = await mkdtemp(at('changed-'));
  await cp(at('log'), copy, { recursive: true });
  await change(copy);
  return `file://${copy}`;
}

async function flip(path: string, place: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

/** The place of a byte in each line that says something, and not in the name of a key, which may be anybody's. */
function middlesOfLines(text: string): number[] {
  let start = 0;
  return text.split('\n').flatMap((line) => {
    const from = start + Math.max(0, Buffer.byteLength(line) - 9);
    start += Buffer.byteLength(line) + 1;
    return line === '' ? [] : [from];
  });
}

/** A log of the same size under the same key, whose last entry says something else. */
async function fork(into: string): Promise<void> {
  const { entries } = await http.reader().getObject(`/v1/log/entries?start=0&limit=${size}`);
  const texts = (entries as { text: string }[]).map(({ text }) => text);
  const edge = TileEdge.empty();
  const other = [...texts.slice(0, -1), '{"v":"countersign.entry.v1"}'];
  const files = [...other.flatMap((text) => edge.append(utf8(text))), ...edge.partial()];
  for (const { path, bytes } of files) await writeFile(join(into, path), bytes);
  const head = formatCheckpoint({ origin: http.ledger.origin, size, root: edge.root() });
  await writeFile(join(into, 'checkpoint'), await signNote(head, [http.ledger.signer]));
}

async function fsck(url: string): Promise<string> {
  const { status, why } = await tlogcheck('fsck', '-url', url, '-vkey', http.ledger.signer.vkey);
  return status === 0 ? 'holds' : why;
}

async function audit(url: string, state?: string): Promise<string> {
  const remembered = state === undefined ? [] : ['-state', state];
  const { status, why } = await tlogcheck('audit', '-url', url, '-policy', policy(), ...remembered);
  return status === 0 ? 'holds' : why;
}

/** The log has more entries, and its next head is published. */
async function grown(): Promise<void> {
  await http.ledger.bind();
  await new Promise((resolve) => setTimeout(resolve, 1_100));
}

/** What an auditor has kept that saw this log. */
async function seen(url: string): Promise<string> {
  const state = at(`state-${Math.random()}`);
  expect(await audit(url, state)).toBe('holds');
  return state;
}

describe('tools that others wrote', () => {
  it('find the exported log whole: Tessera, and torchwood from the head before', async () => {
    const url = `file://${at('log')}`;
    expect(await fsck(url)).toBe('holds');
    expect(await audit(url)).toBe('holds');
    const state = await seen(`file://${at('early')}`);
    expect(await audit(url, state)).toBe('holds');
    expect((await readFile(state)).equals(await readFile(at('log', 'checkpoint')))).toBe(true);
  });

  it('find the log whole that a running gateway serves, and the next head of it', async () => {
    const url = `${http.url}/v1/log/tiles`;
    expect(await fsck(url)).toBe('holds');
    const state = await seen(url);
    await grown();
    const { status, facts } = await tlogcheck(
      'audit',
      '-url',
      url,
      '-policy',
      policy(),
      '-state',
      state,
    );
    expect([status, facts]).toMatchObject([0, { check: 'audit' }]);
    expect(Number(facts['size'])).toBeGreaterThan(Number(facts['from']));
  });

  it('make a receipt of an entry that holds offline, and of that entry alone', async () => {
    const url = `${http.url}/v1/log/tiles`;
    const made = async (index: number): Promise<string> => {
      const out = at(`${index}.tlog-proof`);
      const args = ['-url', url, '-policy', policy(), '-index', String(index), '-o', out];
      expect((await tlogcheck('entry', ...args)).status).toBe(0);
      return out;
    };
    const [one, other] = [await made(7), await made(400)];
    const proves = async (proof: string, entry: string): Promise<number | null> =>
      (await tlogcheck('proof', '-policy', policy(), '-proof', proof, '-entry', `${entry}.entry`))
        .status;
    expect(await proves(one, one)).toBe(0);
    expect(await proves(one, other)).toBe(1);
  });

  it('hold the receipts that the ledger itself gives', async () => {
    const { binding } = await http.ledger.bind();
    await writeFile(at('binding.json'), binding.text);
    await writeFile(at('binding.tlog-proof'), binding.receipt);
    const args = ['-policy', policy(), '-proof', at('binding.tlog-proof')];
    expect((await tlogcheck('proof', ...args, '-entry', at('binding.json'))).status).toBe(0);
    await flip(at('binding.json'), 20);
    expect((await tlogcheck('proof', ...args, '-entry', at('binding.json'))).status).toBe(1);
  });

  it('open the checkpoints of an Ed25519 key', async () => {
    const open = async (vkey: string): Promise<number | null> =>
      (await tlogcheck('note', '-vkey', vkey, at('log', 'checkpoint'))).status;
    expect(await open(http.ledger.signer.vkey)).toBe(0);
    const { privateKey } = generateKeyPairSync('ed25519');
    expect(await open(signerOf(http.ledger.origin, privateKey).vkey)).toBe(1);
  });
});

describe('tools that others wrote refuse', () => {
  it('G01: one byte of an old entry', async () => {
    for (const name of ['000', '001', `002.p/${size % 256}`]) {
      const url = await changed((copy) => flip(join(copy, 'tile/entries', name), 40));
      expect([name, await fsck(url)]).not.toEqual([name, 'holds']);
      expect([name, await audit(url)]).not.toEqual([name, 'holds']);
    }
  });

  it('G01: one byte of a tile', async () => {
    for (const name of ['0/000', '0/001', `0/002.p/${size % 256}`, '1/000.p/2']) {
      const url = await changed((copy) => flip(join(copy, 'tile', name), 17));
      expect([name, await fsck(url)]).not.toEqual([name, 'holds']);
      expect([name, await audit(url)]).not.toEqual([name, 'holds']);
    }
  });

  it('G01: one byte of the checkpoint', async () => {
    const length = (await readFile(at('log', 'checkpoint'))).length;
    for (const place of [
      0,
      http.ledger.origin.length + 1,
      http.ledger.origin.length + 8,
      length - 9,
    ]) {
      const url = await changed((copy) => flip(join(copy, 'checkpoint'), place));
      expect([place, await fsck(url)]).not.toEqual([place, 'holds']);
      expect([place, await audit(url)]).not.toEqual([place, 'holds']);
    }
  });

  it('G01: one byte of any line of a receipt, and of a checkpoint', async () => {
    const { binding } = await http.ledger.bind();
    const [proof, entry, note] = [at('own.tlog-proof'), at('own.json'), at('own.note')] as const;
    const head = binding.receipt.slice(binding.receipt.indexOf('\n\n') + 2);
    const { vkey } = http.ledger.signer;
    await writeFile(entry, binding.text);
    const proves = ['proof', '-policy', policy(), '-entry', entry, '-proof', proof];
    for (const [path, text, args] of [
      [proof, binding.receipt, proves],
      [note, head, ['note', '-vkey', vkey, note]],
    ] as const) {
      await writeFile(path, text);
      expect((await tlogcheck(...args)).status).toBe(0);
      for (const place of middlesOfLines(text)) {
        await writeFile(path, text);
        await flip(path, place);
        expect([path, place, (await tlogcheck(...args)).status]).toEqual([path, place, 1]);
      }
    }
  });

  it('G03: a log that went back, with a head that was good once', async () => {
    const state = await seen(`file://${at('log')}`);
    expect(await fsck(`file://${at('early')}`)).toBe('holds');
    expect(await audit(`file://${at('early')}`, state)).toMatch(/the log went back/);
  });

  it('G02: another log of the same size, whole in itself and signed with the real key', async () => {
    const state = await seen(`file://${at('log')}`);
    const url = await changed(fork);
    expect(await fsck(url)).toBe('holds');
    expect(await audit(url)).toBe('holds');
    expect(await audit(url, state)).toMatch(/two roots of one size/);
  });

  it('G03: another log that has grown past the head that was seen', async () => {
    const forked = await changed(fork);
    const state = await seen(forked);
    await grown();
    expect(await audit(`${http.url}/v1/log/tiles`, state)).toMatch(/invalid transparency proof/);
  });
});

describe('a log whose key is P-256', () => {
  it('is whole for Tessera, and its checkpoints are opened', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const openSigner = (origin: string): Promise<ReturnType<typeof signerOf>> =>
      Promise.resolve(signerOf(origin, privateKey));
    const other = await HttpLedger.start({ openSigner });
    try {
      await other.ledger.bind();
      const url = await exported(other, 'p256');
      const { vkey } = other.ledger.signer;
      expect((await tlogcheck('fsck', '-url', url, '-vkey', vkey)).status).toBe(0);
      expect((await tlogcheck('note', '-vkey', vkey, at('p256', 'checkpoint'))).status).toBe(0);
      await flip(at('p256', 'tile/0', '000.p/4'), 3);
      expect((await tlogcheck('fsck', '-url', url, '-vkey', vkey)).status).toBe(1);
    } finally {
      await other.discard();
    }
  });
});
