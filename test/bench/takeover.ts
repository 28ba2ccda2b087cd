import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { useLatin1Reader, useSha256 } from '@countersign/canonical';
import { openSqliteBroker } from '@countersign/broker-sqlite';
import {
  nativeLatin1Reader,
  nativeSha256,
  newUlid,
  verifySignatureAside,
} from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { Writer, sqliteSnapshots } from '@countersign/ledger';
import { openLocalSigner } from '@countersign/signer-local';
import { useSha256 as useSha256InTrees } from '@countersign/tlog';
import { heapBytes } from './heap.ts';
import { rounded } from './percentile.ts';
import { say } from './say.ts';
import { writeSyntheticLog, writtenBefore, type SyntheticLog } from './synthetic-log.ts';
import { POLICY_ENGINE } from '../support/policy-engine.ts';

/** How long a writer takes over a log with so many actions, from a snapshot and from the beginning. */
const { values } = parseArgs({
  options: {
    finished: { type: 'string', default: '20000' },
    open: { type: 'string', default: '2000' },
    'ms-per-action': { type: 'string', default: '250' },
    folder: { type: 'string' },
    /** A folder for the log, which stays there: a long log is written once and measured on another day. */
    log: { type: 'string' },
    /** Of the process that measures one start. */
    start: { type: 'string' },
  },
});

useSha256(nativeSha256);
useSha256InTrees(nativeSha256);
useLatin1Reader(nativeLatin1Reader);

if (values.start === undefined) await measure();
else await start(values.start);

async function measure(): Promise<void> {
  const kept = values.log;
  const folder =
    kept ?? (await mkdtemp(path.join(values.folder ?? tmpdir(), 'countersign-takeover-')));
  await mkdir(folder, { recursive: true });
  try {
    const before = kept === undefined ? undefined : await writtenBefore(kept);
    if (before !== undefined) say('log written before', before.counts);
    const log = before ?? (await written(folder));
    await rm(path.join(folder, 'snapshot.db'), { force: true });
    say('from the beginning, keeping a snapshot', await started(folder, log, 'keep'));
    const { size } = await stat(path.join(folder, 'snapshot.db'));
    say('snapshot file', { MB: megabytes(size) });
    say('from the beginning', await started(folder, log, 'log'));
    say('from the snapshot', await started(folder, log, 'snapshot'));
  } finally {
    if (kept === undefined) await rm(folder, { recursive: true });
  }
}

async function written(folder: string): Promise<SyntheticLog> {
  const began = performance.now();
  const log = await writeSyntheticLog(folder, {
    finished: Number(values.finished),
    open: Number(values.open),
    msPerAction: Number(values['ms-per-action']),
  });
  say('log written', { ...log.counts, seconds: secondsSince(began) });
  return log;
}

/** In a process of its own, so that nothing is warm and its memory is its own. */
async function started(
  folder: string,
  log: SyntheticLog,
  how: 'keep' | 'log' | 'snapshot',
): Promise<Readonly<Record<string, number>>> {
  const child = fork(fileURLToPath(import.meta.url), ['--start', how], {
    execArgv: process.execArgv,
  });
  child.send({ folder, origin: log.origin, nowMs: log.endMs });
  const [figures] = (await once(child, 'message')) as [Record<string, number>];
  await once(child, 'exit');
  return figures;
}

interface Told {
  readonly folder: string;
  readonly origin: string;
  readonly nowMs: number;
}

async function start(how: string): Promise<void> {
  const [told] = (await once(process, 'message')) as [Told];
  const { folder, origin } = told;
  const began = performance.now();
  const nowMs = (): number => told.nowMs + Math.floor(performance.now() - began);
  const broker = await openSqliteBroker({ path: path.join(folder, 'broker.db'), clock: nowMs });
  const signer = await openLocalSigner({ keyFile: path.join(folder, 'log.key'), name: origin });
  const store = sqliteSnapshots(path.join(folder, 'snapshot.db'));
  const writer = new Writer({
    broker,
    signers: [signer],
    origin,
    logKeys: [signer.vkey],
    clock: { nowMs, sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
    verifySignature: verifySignatureAside,
    descriptors: BUILTIN_DESCRIPTORS,
    policyEngine: POLICY_ENGINE,
    epoch: newUlid(told.nowMs),
    ...(how !== 'log' && { snapshots: { store, everyMs: how === 'keep' ? 0 : 3_600_000 } }),
  });
  const running = writer.run();
  while (writer.status.state !== 'running') {
    await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 5))]);
  }
  const figures = {
    seconds: secondsSince(began),
    'of a core': rounded(cpuSeconds()),
    entries: writer.status.acceptedSize,
    from: writer.status.snapshot.startSize,
    MB: megabytes(process.memoryUsage.rss()),
    'MB of heap': megabytes(heapBytes()),
  };
  writer.stop();
  await running;
  await store.close();
  await broker.close();
  process.send?.(figures);
  process.disconnect();
}

function secondsSince(began: number): number {
  return rounded((performance.now() - began) / 1_000);
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
