import { describe, expect, it } from 'vitest';
import { WaitingRoom } from '../src/waiting-room.ts';

describe('a waiting room', () => {
  it('tells everybody who waits for the same, and nobody else', async () => {
    const room = new WaitingRoom<number>();
    const seats = [room.join('a', 1_000), room.join('a', 1_000), room.join('b', 20)];
    room.settle('a', 7);
    expect(await Promise.all(seats.map(({ arrived }) => arrived))).toEqual([7, 7, undefined]);
    for (const { leave } of seats) leave();
    expect(room.count).toBe(0);
    expect(room.keys).toEqual([]);
  });

  it('passes over what a waiter does not want', async () => {
    const room = new WaitingRoom<number>();
    const seat = room.join('a', 1_000, (value) => value > 3);
    room.settle('a', 3);
    room.settle('a', 4);
    expect(await seat.arrived).toBe(4);
    seat.leave();
  });

  it('is bounded, and has room again when somebody leaves', () => {
    const room = new WaitingRoom<number>(2);
    const first = room.join('a', 1_000);
    const second = room.join('b', 1_000);
    expect(() => room.join('c', 1_000)).toThrow(
      expect.objectContaining({ code: 'TOO_MANY_WAITERS' }),
    );
    first.leave();
    first.leave();
    expect(room.count).toBe(1);
    room.join('c', 1_000).leave();
    second.leave();
  });
});
