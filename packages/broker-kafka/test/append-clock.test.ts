import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppendClock } from '../src/append-clock.ts';

describe('AppendClock', () => {
  it('lets no reader that goes forward see an earlier time, whoever else reads', () => {
    const times = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(times, fc.array(fc.nat({ max: 2 })), (raw, turns) => {
        const clock = new AppendClock();
        const readers = [0, 1, 2].map(() => ({ next: 0, seen: 0 }));
        for (const turn of turns) {
          const reader = readers[turn];
          const timeMs = raw[reader?.next ?? 0];
          if (reader === undefined || timeMs === undefined) continue;
          const told = Math.max(clock.floorAt(reader.next), timeMs);
          expect(told).toBeGreaterThanOrEqual(reader.seen);
          reader.next += 1;
          reader.seen = told;
          clock.note(reader.next, told);
        }
      }),
    );
  });

  it('leaves the times of before alone', () => {
    const clock = new AppendClock();
    clock.note(100, 9_000);
    expect(clock.floorAt(100)).toBe(9_000);
    expect(clock.floorAt(50)).toBe(0);
  });

  it('forgets readers that are gone, never the newest time', () => {
    const clock = new AppendClock();
    clock.note(1_000, 7);
    for (let at = 1; at < 200; at += 1) clock.note(at, 5);
    expect(clock.floorAt(1)).toBe(0);
    expect(clock.floorAt(199)).toBe(5);
    expect(clock.floorAt(1_000)).toBe(7);
  });
});
