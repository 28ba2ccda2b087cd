import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTrust } from '@countersign/verify';
import { parseCheckpoint, parseNote } from '@countersign/tlog';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportLog } from '../../services/cli/src/log-export.ts';
import { growLog } from '../support/grown-log.ts';
import { HttpLedger, READ_TOKEN } from '../support/http-ledger.ts';

const WHOLE = { authorization: `Bearer ${READ_TOKEN}` };

let folder: string;
let http: HttpLedger;
/** Of a smaller head: what a longer export leaves out again. */
let early: Map<string, Buffer>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-tiles-'));
  http = await HttpLedger.start();
  await growLog(http.ledger, 200);
  await exported('grown');
  early = await filesOf('grown');
  await growLog(http.ledger, 530);
  await exported('grown');
  await exported('whole');
});

afterAll(async () => {
  await http.discard();
  await rm(folder, { recursive: true });
});

function exported(name: string): ReturnType<typeof exportLog> {
  const trust = parseTrust(http.trustFile());
  return exportLog(join(folder, name), { client: http.reader(), trust });
}

async function filesOf(name: string): Promise<Map<string, Buffer>> {
  const at = join(folder, name);
  const entries = await readdir(at, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name));
  return new Map(
    await Promise.all(
      paths.map(async (path): Promise<[string, Buffer]> => [
        path.slice(at.length + 1),
        await readFile(path),
      ]),
    ),
  );
}

interface Served {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
}

async function served(path: string, headers: Record<string, string> = WHOLE): Promise<Served> {
  const answer = await fetch(`${http.url}/v1/log/tiles/${path}`, { headers });
  const bytes = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, headers: answer.headers, bytes };
}

async function sizeOf(name: string): Promise<number> {
  const note = (await readFile(join(folder, name, 'checkpoint'))).toString();
  return parseCheckpoint(parseNote(note).text).size;
}

describe('the tiles of a running log', () => {
  it('are byte for byte those of the exported folder, partial ones of earlier heads included', async () => {
    const grown = await filesOf('grown');
    grown.delete('log.vkey');
    early.delete('log.vkey');
    early.delete('checkpoint');
    expect([...early.keys()]).toContainEqual(expect.stringMatching(/^tile\/0\/000\.p\/\d+$/));
    expect([...grown.keys()]).toEqual(expect.arrayContaining(['tile/0/001', 'tile/entries/001']));
    for (const [path, bytes] of [...early, ...grown]) {
      const answer = await served(path);
      expect([path, answer.status]).toEqual([path, 200]);
      expect(answer.bytes.equals(bytes)).toBe(true);
    }
    for (const [path, bytes] of await filesOf('whole')) {
      expect([path, (await filesOf('grown')).get(path)?.equals(bytes)]).toEqual([path, true]);
    }
  });

  it('never change, and say so; the checkpoint is text for a second', async () => {
    const tile = await served('tile/entries/000');
    expect(tile.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
    expect(tile.headers.get('content-type')).toBe('application/octet-stream');
    expect(tile.headers.get('vary')).toContain('accept-encoding');
    const head = await served('checkpoint');
    expect(head.headers.get('cache-control')).toBe('private, max-age=1');
    expect(head.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });

  it('are compressed for whoever takes gzip, and for nobody else', async () => {
    const plain = await served('tile/entries/001', { ...WHOLE, 'accept-encoding': 'identity' });
    expect(plain.headers.get('content-encoding')).toBe(null);
    const short = await served('tile/entries/001', { ...WHOLE, 'accept-encoding': 'br, gzip' });
    expect(short.headers.get('content-encoding')).toBe('gzip');
    // What fetch hands out is no longer compressed.
    expect(short.bytes.equals(plain.bytes)).toBe(true);
    const none = await served('tile/entries/001', { ...WHOLE, 'accept-encoding': 'gzip;q=0' });
    expect(none.headers.get('content-encoding')).toBe(null);
  });

  it('are not there for a width that no head has, beyond the log, or under another spelling', async () => {
    const size = await sizeOf('whole');
    const index = String(Math.floor(size / 256)).padStart(3, '0');
    // A binding follows from its decision in one batch: no head ends between the two.
    const { binding } = await http.ledger.bind();
    const between = binding.index % 256;
    expect(await http.ledger.projector.waitForStored(binding.index + 1, 10_000)).toBe(true);
    for (const path of [
      `tile/0/${index}.p/${between}`,
      `tile/entries/${index}.p/${between}`,
      `tile/0/${index}.p/${between + 5}`,
      `tile/0/${index}`,
      'tile/1/001',
      'tile/0/0',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/x/000',
    ]) {
      const answer = await served(path);
      expect([path, answer.status]).toEqual([path, 404]);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  it('are for who may read everything', async () => {
    const { executor } = http.ledger.parties;
    for (const path of ['checkpoint', 'tile/0/000', 'tile/entries/000']) {
      expect([path, (await served(path, {})).status]).toEqual([path, 401]);
      await expect(http.client(executor).getText(`/v1/log/tiles/${path}`)).rejects.toMatchObject({
        code: 'READ_SCOPE',
      });
    }
  });

  it('give another head at most once a second, however busy the log is', async () => {
    const sizes = new Set<number>();
    const begunMs = performance.now();
    while (performance.now() < begunMs + 2_500 || sizes.size < 2) {
      await http.ledger.bind();
      const note = (await served('checkpoint')).bytes.toString();
      sizes.add(parseCheckpoint(parseNote(note).text).size);
    }
    // Counted, not timed one by one: a machine may stand still for a second between two of them. The first may be as old as that.
    const seconds = (performance.now() - begunMs) / 1000;
    expect(sizes.size).toBeLessThanOrEqual(Math.floor(seconds) + 2);
  });
});
