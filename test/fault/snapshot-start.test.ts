import { LedgerState, parseEntry } from '@countersign/binding';
import { MemoryBroker, MemoryDisk, type StoredRecord, type Topic } from '@countersign/broker';
import { canonicalBytes, timestampMs } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { Writer, type SnapshotStore } from '@countersign/ledger';
import { LogReader } from '@countersign/log-reader';
import { WireError, decodeLogRecord, type LogRecord } from '@countersign/wire';
import { describe, expect, it } from 'vitest';
import { LIMITS, ORIGIN } from './simulator/population.ts';
import { SeededChoice } from './simulator/seeded-choice.ts';
import type { Copy } from './simulator/simulated-snapshots.ts';
import { simulatedSigner } from './simulator/simulated-signer.ts';
import { Simulation } from './simulator/simulation.ts';
import { verifyToySignature } from './simulator/toy-signature.ts';
import type { World } from './simulator/world.ts';
import { POLICY_ENGINE } from '../support/policy-engine.ts';

const SEEDS = 16;
/** How much later than the simulation it is. */
const LATER_MS = 30_000_000;
const LONG_MS = 600_000;
const EPOCH = '01JD8Z0000000000000000TW1N';

/** What a simulated ledger has left, its log cut short: the inputs from there on are decided once more. */
function diskOf(world: World, logEnd: number): MemoryDisk {
  const disk = new MemoryDisk();
  for (const [topic, end] of [
    ['intake', undefined],
    ['log', logEnd],
  ] as const) {
    const records = world.disk.recordsOf(topic).slice(0, end);
    disk.recordsOf({ topic, partition: 0 }).push(...records);
  }
  return disk;
}

function storeOf({ head, actions }: Copy): SnapshotStore {
  return {
    load: () => Promise.resolve({ head, actions: inOne([...actions.values()]) }),
    save: () => Promise.resolve(),
  };
}

async function* inOne(texts: readonly Uint8Array[]): AsyncGenerator<readonly Uint8Array[]> {
  yield Promise.resolve(texts);
}

interface Written {
  readonly entries: readonly string[];
  readonly digest: string;
  readonly quarantine: readonly string[];
  readonly content: readonly string[];
  readonly startSize: number;
}

function newWriter(world: World, disk: MemoryDisk, store?: SnapshotStore): Writer {
  const { population } = world;
  const nowMs = world.time.nowMs + LATER_MS;
  return new Writer({
    broker: new MemoryBroker({ clock: () => nowMs, disk }),
    signers: [{ ...simulatedSigner(world, 'twin'), sign: signed(population.logKey) }],
    clock: { nowMs: () => nowMs, sleep: () => Promise.resolve() },
    verifySignature: verifyToySignature,
    descriptors: BUILTIN_DESCRIPTORS,
    policyEngine: POLICY_ENGINE,
    origin: ORIGIN,
    logKeys: [population.vkey],
    epoch: EPOCH,
    limits: LIMITS,
    ...(store !== undefined && { snapshots: { store } }),
  });
}

/** Lets a writer decide everything that is left in the intake. */
async function written(world: World, disk: MemoryDisk, store?: SnapshotStore): Promise<Written> {
  const writer = newWriter(world, disk, store);
  const running = writer.run();
  const end = world.disk.recordsOf('intake').length;
  while (writer.status.state !== 'running' || writer.status.intakeOffset < end) {
    await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 1))]);
  }
  writer.stop();
  await running;
  const { entries, digest } = await folded(world, disk);
  const valuesOf = (topic: Topic): string[] =>
    disk.recordsOf({ topic, partition: 0 }).map(({ key, value }) => `${key} ${hex(value)}`);
  const { startSize } = writer.status.snapshot;
  return {
    entries,
    digest,
    startSize,
    quarantine: valuesOf('quarantine'),
    content: valuesOf('content'),
  };
}

function signed(key: World['population']['logKey']): (message: Uint8Array) => Promise<Uint8Array> {
  return (message) => Promise.resolve(key.sign(message));
}

async function folded(
  { population }: World,
  disk: MemoryDisk,
): Promise<Pick<Written, 'entries' | 'digest'>> {
  const reader = new LogReader({
    origin: ORIGIN,
    logKeys: [population.vkey],
    verifySignature: verifyToySignature,
  });
  const state = LedgerState.empty({
    descriptors: BUILTIN_DESCRIPTORS,
    policyEngine: POLICY_ENGINE,
    limits: LIMITS,
  });
  const entries: string[] = [];
  for (const record of disk.recordsOf({ topic: 'log', partition: 0 })) {
    const event = await reader.read(record);
    if (event?.kind !== 'batch') continue;
    for (const { bytes, index, leafHash } of event.entries) {
      state.evolve(parseEntry(bytes), { index, leaf: `sha256:${hex(leafHash)}` });
      entries.push(Buffer.from(bytes).toString());
    }
  }
  expect(reader.sealedSize).toBe(entries.length);
  return { entries, digest: state.stateDigest() };
}

function hex(bytes: StoredRecord['value']): string {
  return bytes === null ? 'erased' : Buffer.from(bytes).toString('hex');
}

describe('a writer that starts from a snapshot', () => {
  it(
    'writes byte for byte what one writes that has read the whole log',
    async () => {
      let used = 0;
      let refused = 0;
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        const simulation = new Simulation({ seed: seed % 4 === 0 ? seed * 25 : seed });
        expect((await simulation.run()).broken).toBeUndefined();
        const { world, snapshots } = simulation;
        const random = new SeededChoice(seed);
        const copies = snapshots.flatMap(({ newest, older }) => [...older, newest]);
        for (const copy of copies.filter((each) => each !== undefined).slice(-4)) {
          const end = world.disk.recordsOf('log').length;
          const logEnd = random.between(Math.ceil(end / 2), end);
          const plain = await written(world, diskOf(world, logEnd));
          const started = await written(world, diskOf(world, logEnd), storeOf(copy));
          if (started.startSize > 0) used += 1;
          else refused += 1;
          expect({ ...started, startSize: 0 }).toEqual(plain);
        }
      }
      expect(used).toBeGreaterThan(10);
      expect(refused).toBeGreaterThan(0);
    },
    LONG_MS,
  );
});

/** As it is taken from a snapshot, or not. */
async function startOf(
  world: World,
  disk: MemoryDisk,
  store: SnapshotStore,
): Promise<Writer['status']['snapshot']> {
  const writer = newWriter(world, disk, store);
  const running = writer.run();
  while (writer.status.state === 'starting') {
    await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 1))]);
  }
  writer.stop();
  await running;
  return writer.status.snapshot;
}

interface Head {
  readonly state: { readonly size: number };
  readonly resume: { readonly size: number; readonly batch_offset: number };
}

/** Undefined for one whose bits somebody has turned. */
function headIn({ head }: Copy): Head | undefined {
  try {
    return JSON.parse(Buffer.from(head).toString()) as Head;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The records from the place on that a snapshot goes back to, put once more at the end of the topic, and the snapshot that leads there. */
function withCopies(
  world: World,
  { json, actions }: Pick<Copy, 'actions'> & { readonly json: Head },
  timeOf: (record: StoredRecord) => number,
): { disk: MemoryDisk; store: SnapshotStore } {
  const { size, batch_offset: from } = json.resume;
  const disk = diskOf(world, world.disk.recordsOf('log').length);
  const log = disk.recordsOf({ topic: 'log', partition: 0 });
  const begin = log.length;
  for (const record of world.disk.recordsOf('log').slice(from)) {
    const key = log.length === begin ? `batch/${size}/${begin}` : record.key;
    log.push({ ...record, key, offset: log.length, appendTimeMs: timeOf(record) });
  }
  const forged = { ...json, resume: { ...json.resume, batch_offset: begin } };
  return { disk, store: storeOf({ head: canonicalBytes(forged), actions }) };
}

/** Of the first entry of a batch; any other record is as old as it is. */
function decidedMs({ value, appendTimeMs }: StoredRecord): number {
  const record = value === null ? undefined : recordIn(value);
  const first = record?.kind === 'batch' ? record.entries[0] : undefined;
  return first === undefined ? appendTimeMs : timestampMs(parseEntry(first).at);
}

function recordIn(value: Uint8Array): LogRecord | undefined {
  try {
    return decodeLogRecord(value);
  } catch (error) {
    // Rubbish is in the simulated topics too.
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/** @returns how many snapshots there were whose copies would have been taken for the log */
async function startsOn(seed: number): Promise<number> {
  const simulation = new Simulation({ seed });
  expect((await simulation.run()).broken).toBeUndefined();
  const { world, snapshots } = simulation;
  let tried = 0;
  for (const copy of snapshots.flatMap(({ newest, older }) => [...older, newest])) {
    const json = copy === undefined ? undefined : headIn(copy);
    if (copy === undefined || json === undefined) continue;
    const { actions } = copy;
    // Were it not for the time at which they were appended, the copies would be taken for the log.
    const fresh = withCopies(world, { json, actions }, decidedMs);
    if ((await startOf(world, fresh.disk, fresh.store)).startSize === 0) continue;
    tried += 1;
    const late = withCopies(world, { json, actions }, () => world.time.nowMs + LATER_MS);
    expect(await startOf(world, late.disk, late.store)).toEqual({
      startSize: 0,
      notUsed: 'SNAPSHOT_NOT_IN_LOG',
    });
  }
  return tried;
}

describe('a snapshot together with copies of old batches', () => {
  it(
    'is not used: whatever follows the copied place could be passed over',
    async () => {
      let tried = 0;
      // Which snapshots there are to copy is the seed's; the long ones are those that end in 00.
      for (let seed = 100; tried === 0 && seed <= 3_000; seed += 100) tried += await startsOn(seed);
      expect(tried).toBeGreaterThan(0);
    },
    LONG_MS,
  );
});
