import { createHmac, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { useLatin1Reader, useSha256 } from '@countersign/canonical';
import { openSqliteBroker } from '@countersign/broker-sqlite';
import { nativeLatin1Reader, nativeSha256, verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { buildGateway } from '@countersign/gateway';
import { TOKEN_KEY_ID } from '@countersign/http-auth';
import { LogTiles, Projector } from '@countersign/projector';
import { LedgerClient } from '@countersign/sdk';
import { openLocalSigner } from '@countersign/signer-local';
import { openSqliteStore, type ReadModels } from '@countersign/store';
import { TILE_WIDTH, useSha256 as useSha256InTrees } from '@countersign/tlog';
import pino from 'pino';
import { freePort } from '../support/free-port.ts';
import { TENANT } from '../support/parties.ts';
import { measureBareP256 } from './bare-crypto.ts';
import { percentile } from './percentile.ts';
import { say, type Figures } from './say.ts';
import { writeSyntheticLog, writtenBefore, type SyntheticLog } from './synthetic-log.ts';

/** How read models are rebuilt from logs of these sizes, and how proofs and tiles are served out of them. */
const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '10000,100000,1000000' },
    /** A folder for the logs, which stay there: a long log is written once and measured on another day. */
    logs: { type: 'string' },
    proofs: { type: 'string', default: '20000' },
    served: { type: 'string', default: '5000' },
    tiles: { type: 'string', default: '2000' },
  },
});

const ENTRIES_AN_ACTION = 5;
const MS_AN_ACTION = 250;
const TOKEN = 'read-token-of-the-benchmark';
const IN_FLIGHT = 16;
/** The rate is what is measured. */
const UNBOUNDED = { perAddressPerMinute: 1e9, readsPerMinute: 1e9 };

useSha256(nativeSha256);
useSha256InTrees(nativeSha256);
useLatin1Reader(nativeLatin1Reader);

const logs = values.logs ?? (await mkdtemp(path.join(tmpdir(), 'countersign-scale-')));
try {
  say('machine', { cores: availableParallelism(), load: loadavg() });
  say('bare P-256', { ...measureBareP256(1_000) });
  for (const entries of values.entries.split(',').map(Number)) await measure(entries);
  say('after', { load: loadavg() });
} finally {
  if (values.logs === undefined) await rm(logs, { recursive: true });
}

async function measure(entries: number): Promise<void> {
  const folder = path.join(logs, String(entries));
  const log = (await writtenBefore(folder)) ?? (await written(folder, entries));
  const file = path.join(folder, 'read-models.db');
  await rm(file, { force: true });
  const broker = await openSqliteBroker({
    path: path.join(folder, 'broker.db'),
    clock: () => log.endMs,
  });
  const signer = await openLocalSigner({
    keyFile: path.join(folder, 'log.key'),
    name: log.origin,
  });
  const store = await openSqliteStore(file);
  const projector = new Projector({
    broker,
    store,
    clock: { sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
    verifySignature,
    origin: log.origin,
    logKeys: [signer.vkey],
    descriptors: BUILTIN_DESCRIPTORS,
  });
  const size = log.counts['entries'] ?? 0;
  const began = performance.now();
  const running = projector.run();
  await Promise.race([running, projector.waitForStored(size, 3_600_000)]);
  const seconds = (performance.now() - began) / 1_000;
  const { size: bytes } = await stat(file);
  say('rebuilt', { entries: size, seconds, 'entries/s': size / seconds, MB: bytes / 1e6 });
  say('proofs', await proofs(projector, size));
  say('tiles', await tiles(store, size));
  await served({ log, projector, store, size, nowMs: () => log.endMs });
  projector.stop();
  await running;
  await store.close();
  await broker.close();
}

async function written(folder: string, entries: number): Promise<SyntheticLog> {
  await mkdir(folder, { recursive: true });
  const finished = Math.ceil(entries / ENTRIES_AN_ACTION);
  return writeSyntheticLog(folder, { finished, open: 0, msPerAction: MS_AN_ACTION });
}

/** Out of the read models, in this process, one after the other. */
function proofs(projector: Projector, size: number): Promise<Figures> {
  return timed(Number(values.proofs), 1, async () => {
    await projector.proofs.inclusion(anyOf(size), size);
  });
}

/** Full tiles of hashes and full bundles of entries, in turn. */
function tiles(store: ReadModels, size: number): Promise<Figures> {
  const all = new LogTiles(store);
  let turn = 0;
  return timed(Number(values.tiles), 1, async () => {
    turn += 1;
    const index = anyOf(Math.floor(size / TILE_WIDTH));
    const tile = { level: turn % 2 === 0 ? ('entries' as const) : 0, index, width: TILE_WIDTH };
    const bytes = await all.bytesOf(tile);
    if (bytes === undefined) throw new Error(`expected tile ${index}`);
  });
}

interface Serving {
  readonly log: SyntheticLog;
  readonly projector: Projector;
  readonly store: ReadModels;
  readonly size: number;
  readonly nowMs: () => number;
}

/** Over HTTP, with a reader's signature on each request; client and server share one process. */
async function served({ log, projector, store, size, nowMs }: Serving): Promise<void> {
  const { origin } = log;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const app = buildGateway({
    config: { ledger: origin, publicOrigins: [url], version: 'bench', limits: UNBOUNDED },
    router: { submit: () => Promise.reject(new Error('nothing is submitted')) },
    view: projector,
    models: store,
    descriptors: BUILTIN_DESCRIPTORS,
    health: () => ({
      writer: { state: 'running' },
      sealedSize: size,
      sealedAtMs: null,
      projectedSize: size,
      bindings: 0,
    }),
    readTokens: [{ token: TOKEN, tenant: TENANT }],
    verifySignature,
    nowMs,
    randomBytes: (bytes) => new Uint8Array(randomBytes(bytes)),
    logger: pino({ level: 'silent' }),
  });
  await app.listen({ port, host: '127.0.0.1' });
  const sign = (message: Uint8Array): Uint8Array =>
    createHmac('sha256', TOKEN).update(message).digest();
  const client = new LedgerClient({ url, reader: { keyId: TOKEN_KEY_ID, sign }, nowMs });
  const ask = async (): Promise<void> => {
    await client.getText(`/v1/log/inclusion?index=${anyOf(size)}&size=${size}`);
  };
  await timed(500, 1, ask);
  const asked = Number(values.served);
  say('proofs over HTTP, one at a time', await timed(asked, 1, ask));
  say(`proofs over HTTP, ${IN_FLIGHT} in flight`, await timed(asked, IN_FLIGHT, ask));
  await app.close();
}

async function timed(times: number, inFlight: number, work: () => Promise<void>): Promise<Figures> {
  const latencies: number[] = [];
  const began = performance.now();
  const one = async (): Promise<void> => {
    while (latencies.length + inFlight <= times) {
      const from = performance.now();
      await work();
      latencies.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  return {
    'a second': (latencies.length / (performance.now() - began)) * 1_000,
    'p50 ms': percentile(latencies, 0.5),
    'p99 ms': percentile(latencies, 0.99),
  };
}

function anyOf(size: number): number {
  return Math.floor(Math.random() * size);
}
