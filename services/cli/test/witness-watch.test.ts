import { readFile } from 'node:fs/promises';
import {
  generateEd25519,
  parseEd25519,
  signEd25519,
  verifySignature,
} from '@countersign/crypto-node';
import {
  MemoryTree,
  consistencyProof,
  formatCheckpoint,
  formatVerifierKey,
  hashLeaf,
  openCheckpoint,
  parseVerifierKey,
  parseWitnessPolicy,
  signNote,
  type NoteSigner,
} from '@countersign/tlog';
import { FakeWitness } from '@countersign/witness-client/testing';
import pino from 'pino';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataFolder, type DataFolder } from '../src/data-folder.ts';
import type { FoundedData } from '../src/open-data.ts';
import { readOffered } from '../src/offered-head.ts';
import { assertNoAlarm } from '../src/witness-alarm.ts';
import { WitnessMetrics } from '../src/witness-metrics.ts';
import { WitnessWatch, type WitnessWatchParts } from '../src/witness-watch.ts';
import { scratchFolder } from './scratch-folder.ts';

const ORIGIN = 'countersign.test/witnessed/0';

function newSigner(): NoteSigner {
  const key = parseEd25519(generateEd25519().privateKeyPem);
  const publicKey = key.publicKeySpki;
  return {
    name: ORIGIN,
    vkey: formatVerifierKey({ name: ORIGIN, algorithm: 'ed25519', publicKey }),
    sign: (message) => Promise.resolve(signEd25519(key, message)),
  };
}

const SIGNER = newSigner();

/** Read models of a log of which only the tree is there. */
class TreeStore {
  tree = new MemoryTree();
  kept: { size: number; note: string } | undefined;

  grow(size: number, word = 'entry'): void {
    while (this.tree.size < size) {
      this.tree.append(hashLeaf(Buffer.from(`${word} ${this.tree.size}`)));
    }
  }

  async checkpoint(): Promise<{ size: number; note: string } | undefined> {
    const { size } = this.tree;
    if (size === 0) return undefined;
    const text = formatCheckpoint({ origin: ORIGIN, size, root: this.tree.root() });
    return { size, note: await signNote(text, [SIGNER]) };
  }

  cosigned(): Promise<{ size: number; note: string } | undefined> {
    return Promise.resolve(this.kept);
  }

  apply: WitnessWatchParts['store']['apply'] = ({ rows }) => {
    for (const row of rows) if (row.change === 'cosigned') this.kept = row;
    return Promise.resolve();
  };

  readonly proofs = {
    consistency: (from: number, to: number): Promise<Uint8Array[]> =>
      Promise.resolve(consistencyProof(from, to, this.tree.node)),
    rootAt: (size: number): Promise<Uint8Array> => Promise.resolve(this.tree.root(size)),
  };
}

let folder: DataFolder;
let store: TreeStore;
let witnesses: FakeWitness[];
let registry: Registry;
let clockMs: number;
const stopping: { stop: () => Promise<void> }[] = [];

beforeEach(async () => {
  folder = dataFolder(await scratchFolder());
  store = new TreeStore();
  clockMs = 0;
  const log = { origin: ORIGIN, vkeys: [SIGNER.vkey], verifySignature };
  witnesses = await Promise.all(
    ['a', 'b', 'c'].map((name) => FakeWitness.start(`w.test/${name}`, log, now)),
  );
});

afterEach(async () => {
  for (const each of stopping.splice(0)) await each.stop();
  await Promise.all(witnesses.map((each) => each.stop()));
});

function now(): number {
  return Date.now() + clockMs;
}

function policyText(): string {
  const lines = witnesses.map(({ name, vkey, url }) => `witness ${name.slice(-1)} ${vkey} ${url}`);
  return [...lines, 'group two 2 a b c', 'quorum two', ''].join('\n');
}

interface Running {
  readonly watch: WitnessWatch;
  readonly ended: Promise<unknown>;
  readonly stop: () => Promise<void>;
}

function started(): Running {
  const trust = { logKeys: [parseVerifierKey(SIGNER.vkey)] };
  registry = new Registry();
  const watch = new WitnessWatch({
    data: { folder, trust, mark: { tenant: 'acme' } } as unknown as FoundedData,
    policy: parseWitnessPolicy(policyText()),
    store,
    proofs: store.proofs,
    onCosigned: () => undefined,
    metrics: new WitnessMetrics(registry),
    logger: pino({ level: 'silent' }),
    nowMs: now,
  });
  const stopped = new AbortController();
  const ended = watch.run(stopped.signal).then(
    () => 'stopped',
    (error: unknown) => error,
  );
  const running = {
    watch,
    ended,
    stop: async (): Promise<void> => {
      stopped.abort();
      await ended;
    },
  };
  stopping.push(running);
  return running;
}

async function keptAt(size: number): Promise<void> {
  await expect.poll(() => store.kept?.size, { timeout: 15_000 }).toBe(size);
}

/** What it ends with, once what it doubts has stood for long enough. */
async function alarmOf({ watch, ended }: Running): Promise<unknown> {
  await expect.poll(() => watch.isDoubting, { timeout: 15_000 }).toBe(true);
  clockMs += 6_000;
  return ended;
}

async function alarmFile(): Promise<unknown> {
  return JSON.parse(await readFile(folder.alarmFile, 'utf8'));
}

describe('a watch', () => {
  it('keeps a head with the lines of all who answered, once a quorum has', async () => {
    await witnesses[1]?.stop();
    store.grow(5);
    const { watch } = started();
    await keptAt(5);
    const { note = '' } = store.kept ?? {};
    const verifiers = [parseVerifierKey(SIGNER.vkey), ...witnesses.map((each) => each.verifier)];
    const opened = await openCheckpoint(note, { origin: ORIGIN, verifiers, verifySignature });
    expect(opened.signers.map(({ verifier: { name } }) => name)).toEqual([
      ...[ORIGIN, 'w.test/a', 'w.test/c'],
    ]);
    expect(watch.status).toEqual({ cosignedSize: 5, away: ['b'] });
    const metrics = await registry.metrics();
    expect(metrics).toContain('countersign_cosigned_size{tenant="acme"} 5');
    expect(metrics).toMatch(/answers_total\{tenant="acme",witness="b",outcome="WITNESS_AWAY"\} \d/);
  });

  it('keeps nothing without a quorum, and what is missing once it is there', async () => {
    await witnesses[1]?.stop();
    await witnesses[2]?.stop();
    store.grow(5);
    const { watch } = started();
    await expect.poll(() => watch.isSettled, { timeout: 15_000 }).toBe(true);
    expect([store.kept, watch.status.away]).toEqual([undefined, ['b', 'c']]);
    expect(await registry.metrics()).toContain('countersign_witness_lag_entries{tenant="acme"} 5');
    await witnesses[2]?.resume();
    clockMs += 60_000;
    await keptAt(5);
  });

  it('writes down what it offers before it does, and offers the next head after it', async () => {
    const remembered: (number | undefined)[] = [];
    store.grow(5);
    for (const witness of witnesses) {
      witness.instead = () => ({ status: 500 });
    }
    const first = started();
    await expect.poll(() => first.watch.isSettled, { timeout: 15_000 }).toBe(true);
    remembered.push((await readOffered(folder))?.size);
    await first.stop();
    store.grow(9);
    for (const witness of witnesses) witness.instead = undefined;
    started();
    await keptAt(9);
    remembered.push((await readOffered(folder))?.size);
    expect(remembered).toEqual([5, 9]);
  });

  it('offers nothing while the read models are built again', async () => {
    store.grow(9);
    const first = started();
    await keptAt(9);
    await first.stop();
    const before = witnesses.map(({ bodies }) => bodies.length);
    const { tree } = store;
    store.tree = new MemoryTree();
    store.grow(4);
    const second = started();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(witnesses.map(({ bodies }) => bodies.length)).toEqual(before);
    store.tree = tree;
    store.grow(12);
    await keptAt(12);
    expect(second.watch.isDoubting).toBe(false);
  });
});

describe('a log that is another one than before', () => {
  it('G02: another head of a size that was offered is EQUIVOCATION, with both notes', async () => {
    store.grow(5);
    const first = started();
    await keptAt(5);
    await first.stop();
    store.tree = new MemoryTree();
    store.grow(5, 'forged');
    expect(await started().ended).toMatchObject({ code: 'EQUIVOCATION' });
    const alarm = (await alarmFile()) as { notes: string[] };
    expect(alarm).toMatchObject({ code: 'EQUIVOCATION', witness: null });
    const sizes = alarm.notes.map((note) => note.split('\n').slice(0, 2));
    expect(sizes).toEqual([
      [ORIGIN, '5'],
      [ORIGIN, '5'],
    ]);
    expect(alarm.notes[0]).not.toBe(alarm.notes[1]);
    await expect(assertNoAlarm(folder)).rejects.toMatchObject({ code: 'EQUIVOCATION' });
    expect(await registry.metrics()).toContain('alarm{tenant="acme",code="EQUIVOCATION"} 1');
  });

  it('G03: a head that does not go on from the one that was offered is LOG_ROLLBACK', async () => {
    store.grow(5);
    const first = started();
    await keptAt(5);
    await first.stop();
    store.tree = new MemoryTree();
    store.grow(8, 'forged');
    expect(await started().ended).toMatchObject({ code: 'LOG_ROLLBACK' });
    await expect(assertNoAlarm(folder)).rejects.toMatchObject({ code: 'LOG_ROLLBACK' });
  });

  it('G03: a witness that holds more than there is stops it, of whatever quorum', async () => {
    store.grow(5);
    const witness = witnesses[2];
    if (witness === undefined) throw new Error('expected three witnesses');
    witness.size = 9;
    expect(await alarmOf(started())).toMatchObject({ code: 'LOG_ROLLBACK' });
    expect(await alarmFile()).toMatchObject({ code: 'LOG_ROLLBACK', witness: 'c' });
  });

  it('G02: a witness that holds another head of a size stops it', async () => {
    const witness = witnesses[0];
    if (witness === undefined) throw new Error('expected three witnesses');
    witness.size = 4;
    witness.root = new Uint8Array(32);
    store.grow(5);
    expect(await alarmOf(started())).toMatchObject({ code: 'EQUIVOCATION' });
    expect(await alarmFile()).toMatchObject({ code: 'EQUIVOCATION', witness: 'a' });
  });

  it('is not one where our read models were only late', async () => {
    store.grow(9);
    const first = started();
    await keptAt(9);
    await first.stop();
    const late = new TreeStore();
    late.grow(6);
    const { tree } = store;
    store.tree = late.tree;
    folder = dataFolder(await scratchFolder());
    const second = started();
    await expect.poll(() => second.watch.isDoubting, { timeout: 15_000 }).toBe(true);
    store.tree = tree;
    store.grow(12);
    await keptAt(12);
    expect(second.watch.isDoubting).toBe(false);
    await expect(assertNoAlarm(folder)).resolves.toBeUndefined();
  });
});
