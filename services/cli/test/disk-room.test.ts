import { describe, expect, it } from 'vitest';
import { BrokerError } from '@countersign/broker';
import { utf8 } from '@countersign/canonical';
import { DiskRoom } from '../src/disk-room.ts';

const SUBMISSION = {
  kind: 'request',
  tenant: 'default',
  actionId: '',
  payload: utf8('{}'),
} as const;

function bench(): {
  room: DiskRoom;
  set: (free: number, isTaken: boolean) => void;
  send: () => Promise<unknown>;
} {
  let [free, isTaken] = [0, true];
  const room = new DiskRoom(() => Promise.resolve(free));
  const router = room.heard({
    submit: () =>
      isTaken
        ? Promise.resolve({ input: 'sha256:0' })
        : Promise.reject(new BrokerError('BROKER_DISK_FULL', 'no space')),
  });
  return {
    room,
    set: (bytes, taken) => {
      [free, isTaken] = [bytes, taken];
    },
    send: () => router.submit(SUBMISSION),
  };
}

describe('the room on the disk', () => {
  it('is none once an input found none, until one is taken', async () => {
    const { room, set, send } = bench();
    await send();
    expect(room.isFull).toBe(false);
    set(0, false);
    await expect(send()).rejects.toMatchObject({ code: 'BROKER_DISK_FULL' });
    await room.look();
    expect(room.isFull).toBe(true);
    set(0, true);
    await send();
    expect(room.isFull).toBe(false);
  });

  it('is looked for where no input comes', async () => {
    const { room, set, send } = bench();
    set(0, false);
    await expect(send()).rejects.toMatchObject({ code: 'BROKER_DISK_FULL' });
    set(2 ** 30, false);
    await room.look();
    expect(room.isFull).toBe(false);
  });
});
