import { BrokerError, type Broker, type TopicPartition } from '@countersign/broker';
import { brokerContract, FaultyBroker, FaultyDisk, NO_FAULTS } from '@countersign/broker/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const TP: TopicPartition = { topic: 'log', partition: 0 };
const ALL_FAULTS = {
  failBefore: 0.15,
  loseReply: 0.15,
  landLate: 0.15,
  readError: 0.2,
  shortRead: 0.3,
  delay: 0.5,
};

brokerContract('faulty with its faults off', () => {
  const disk = new FaultyDisk();
  let nowMs = 1_000;
  return Promise.resolve({
    open: () => Promise.resolve(new FaultyBroker({ seed: 1, clock: () => nowMs, disk })),
    dispose: () => Promise.resolve(),
    setClock: (ms: number) => {
      nowMs = ms;
    },
  });
});

/** What an appender saw: where its append is, that it is nowhere, or that it does not know. */
type Seen = { at: number } | 'nowhere' | 'unknown';

async function appendTwo(broker: Broker, id: number): Promise<Seen> {
  const records = ['a', 'b'].map((half) => ({ key: `${id}`, value: Buffer.from(`${id}${half}`) }));
  try {
    return { at: (await broker.append(TP, records)).firstOffset };
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    return error.kind === 'indefinite' ? 'unknown' : 'nowhere';
  }
}

async function stored(disk: FaultyDisk): Promise<string[]> {
  const quiet = new FaultyBroker({ seed: 0, clock: () => 0, disk });
  await disk.landAll();
  const records = await quiet.read(TP, 0, 10_000);
  expect(records.map((r) => r.offset)).toEqual(records.map((_, i) => i));
  return records.map((r) => Buffer.from(r.value ?? []).toString());
}

describe('FaultyBroker', () => {
  it('under every fault, with a crash, keeps what resolved, whole and in place', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 30 }), async (seed, count) => {
        const disk = new FaultyDisk();
        const first = new FaultyBroker({ seed, clock: () => seed, disk, faults: ALL_FAULTS });
        const before = Array.from({ length: count }, (_, i) => appendTwo(first, i));
        await Promise.race(before);
        first.crash();
        const next = new FaultyBroker({ seed: seed + 1, clock: () => 0, disk, faults: ALL_FAULTS });
        const after = Array.from({ length: count }, (_, i) => appendTwo(next, count + i));
        const seen = await Promise.all([...before, ...after]);

        const texts = await stored(disk);
        for (const [id, outcome] of seen.entries()) {
          const places = texts.flatMap((text, i) => (text === `${id}a` ? [i] : []));
          if (outcome === 'nowhere') expect(places).toEqual([]);
          else if (outcome === 'unknown') expect(places.length).toBeLessThanOrEqual(1);
          else expect(places).toEqual([outcome.at]);
          for (const place of places) expect(texts[place + 1]).toBe(`${id}b`);
        }
        expect(texts.filter((text) => text.endsWith('b'))).toHaveLength(texts.length / 2);
      }),
      { numRuns: 300 },
    );
  });

  it('stores what resolved in the order in which it was issued', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const broker = new FaultyBroker({ seed, clock: () => 0, faults: ALL_FAULTS });
        const seen = await Promise.all(Array.from({ length: 20 }, (_, i) => appendTwo(broker, i)));
        const offsets = seen.flatMap((s) => (typeof s === 'object' ? [s.at] : []));
        expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
      }),
      { numRuns: 100 },
    );
  });

  it('does every kind of harm it names', async () => {
    const disk = new FaultyDisk();
    const broker = new FaultyBroker({ seed: 7, clock: () => 0, disk, faults: ALL_FAULTS });
    const seen = await Promise.all(Array.from({ length: 400 }, (_, i) => appendTwo(broker, i)));
    const texts = new Set(await stored(disk));
    const unknown = seen.flatMap((s, id) => (s === 'unknown' ? [texts.has(`${id}a`)] : []));
    expect(seen).toContain('nowhere');
    expect(unknown).toContain(true);
    expect(unknown).toContain(false);
    const reads = await Promise.allSettled(Array.from({ length: 50 }, () => broker.read(TP, 0, 9)));
    expect(reads.some((r) => r.status === 'rejected')).toBe(true);
    expect(reads.some((r) => r.status === 'fulfilled' && r.value.length < 9)).toBe(true);
  });

  it('replays a seed', async () => {
    const run = async (): Promise<unknown[]> => {
      const disk = new FaultyDisk();
      const broker = new FaultyBroker({ seed: 99, clock: () => 0, disk, faults: ALL_FAULTS });
      const seen = await Promise.all(Array.from({ length: 50 }, (_, i) => appendTwo(broker, i)));
      return [...seen, ...(await stored(disk))];
    };
    expect(await run()).toEqual(await run());
  });

  it('refuses the appends of a fenced writer, not its reads', async () => {
    const broker = new FaultyBroker({ seed: 1, clock: () => 0 });
    await appendTwo(broker, 1);
    broker.fence();
    await expect(broker.append(TP, [{ key: 'k', value: new Uint8Array() }])).rejects.toMatchObject({
      code: 'BROKER_FENCED',
      kind: 'fenced',
    });
    expect(await broker.end(TP)).toBe(2);
  });

  it('stops its faults when told', async () => {
    const always = { ...NO_FAULTS, failBefore: 1 };
    const broker = new FaultyBroker({ seed: 1, clock: () => 0, faults: always });
    expect(await appendTwo(broker, 1)).toBe('nowhere');
    broker.setFaults(NO_FAULTS);
    expect(await appendTwo(broker, 2)).toEqual({ at: 0 });
  });
});
