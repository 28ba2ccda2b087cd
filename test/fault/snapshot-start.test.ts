import { LedgerState, parseEntry } from '@countersign/binding';
import { MemoryBroker, MemoryDisk, type StoredRecord, type Topic } from '@countersign/broker';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { Writer, type SnapshotStore } from '@countersign/ledger';
import { LogReader } from '@countersign/log-reader';
import { describe, expect, it } from 'vitest';
import { LIMITS, ORIGIN } from './simulator/population.ts';
import { SeededChoice } from './simulator/seeded-choice.ts';
import type { Copy } from './simulator/simulated-snapshots.ts';
import { simulatedSigner } from './simulator/simulated-signer.ts';
import { Simulation } from './simulator/simulation.ts';
import { verifyToySignature } from './simulator/toy-signature.ts';
import type { World } from './simulator/world.ts';

const SEEDS = 16;
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

/** Lets a writer decide everything that is left in the intake. */
async function written(world: World, disk: MemoryDisk, store?: SnapshotStore): Promise<Written> {
  const { population } = world;
  const nowMs = world.time.nowMs + 30_000_000;
  const broker = new MemoryBroker({ clock: () => nowMs, disk });
  const writer = new Writer({
    broker,
    signers: [{ ...simulatedSigner(world, 'twin'), sign: signed(population.logKey) }],
    clock: { nowMs: () => nowMs, sleep: () => Promise.resolve() },
    verifySignature: verifyToySignature,
    descriptors: BUILTIN_DESCRIPTORS,
    origin: ORIGIN,
    logKeys: [population.vkey],
    epoch: EPOCH,
    limits: LIMITS,
    ...(store !== undefined && { snapshots: { store } }),
  });
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
  const state = LedgerState.empty({ descriptors: BUILTIN_DESCRIPTORS, limits: LIMITS });
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
