import { describe, expect, it } from 'vitest';
import { WitnessDoubts } from '../src/witness-doubts.ts';

const AHEAD = { witness: 'w', kind: 'ahead', size: 9 } as const;

function newDoubts(): { doubts: WitnessDoubts; pass: (ms: number) => void } {
  let nowMs = 0;
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { doubts: new WitnessDoubts(() => nowMs), pass };
}

describe('what a witness says against the log', () => {
  it('counts once it has stood for five seconds in which the log did not grow', () => {
    const { doubts, pass } = newDoubts();
    doubts.add(AHEAD);
    expect([doubts.hasAny, doubts.confirmed()]).toEqual([true, undefined]);
    pass(4_000);
    doubts.headGrew();
    pass(4_999);
    doubts.add({ ...AHEAD, size: 10 });
    expect(doubts.confirmed()).toBeUndefined();
    pass(1);
    expect(doubts.confirmed()).toEqual({ ...AHEAD, size: 10 });
  });

  it('counts after half a minute of a log that grows all the time', () => {
    const { doubts, pass } = newDoubts();
    doubts.add(AHEAD);
    for (let seconds = 0; seconds < 30; seconds += 1) {
      expect(doubts.confirmed()).toBeUndefined();
      pass(1_000);
      doubts.headGrew();
      doubts.add(AHEAD);
    }
    expect(doubts.confirmed()).toEqual(AHEAD);
  });

  it('never counts when it was said once only', () => {
    const { doubts, pass } = newDoubts();
    doubts.add(AHEAD);
    pass(3_600_000);
    expect([doubts.hasAny, doubts.confirmed()]).toEqual([true, undefined]);
  });

  it('is forgotten when the witness goes on with us, and begins anew when it says something else', () => {
    const { doubts, pass } = newDoubts();
    doubts.add(AHEAD);
    pass(4_000);
    doubts.add({ witness: 'w', kind: 'contradicted', size: 4 });
    pass(4_000);
    expect(doubts.confirmed()).toBeUndefined();
    doubts.cleared('w');
    pass(60_000);
    expect([doubts.hasAny, doubts.confirmed()]).toEqual([false, undefined]);
  });
});
