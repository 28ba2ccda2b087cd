import { MemoryBroker, MemoryDisk, splitForAppend, MAX_APPEND_BYTES } from '@countersign/broker';
import { brokerContract } from '@countersign/broker/testing';
import { describe, expect, it } from 'vitest';

brokerContract('memory', () => {
  const disk = new MemoryDisk();
  let nowMs = 1_000;
  return Promise.resolve({
    open: () => Promise.resolve(new MemoryBroker({ clock: () => nowMs, disk })),
    dispose: () => Promise.resolve(),
    setClock: (ms: number) => {
      nowMs = ms;
    },
  });
});

describe('MemoryBroker', () => {
  it('wakes who waits when another broker on the same disk appends', async () => {
    const disk = new MemoryDisk();
    const [one, two] = [1, 2].map(() => new MemoryBroker({ clock: () => 0, disk }));
    const tp = { topic: 'intake', partition: 0 } as const;
    const waiting = one?.waitBeyond(tp, 0, 60_000);
    await two?.append(tp, [{ key: 'k', value: new Uint8Array(1) }]);
    expect(await waiting).toBe(true);
  });
});

describe('splitForAppend', () => {
  it('keeps every record, in order, in runs that one append takes', async () => {
    const records = Array.from({ length: 25 }, (_, i) => ({
      key: `${i}`,
      value: new Uint8Array(i * 10_000),
    }));
    const runs = splitForAppend(records);
    expect(runs.flat()).toEqual(records);
    const broker = new MemoryBroker({ clock: () => 0 });
    for (const run of runs) await broker.append({ topic: 'log', partition: 0 }, run);
    expect(runs).toHaveLength(Math.ceil((300 * 10_000) / MAX_APPEND_BYTES) + 1);
  });
});
