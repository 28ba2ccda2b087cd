import { expect, it } from 'vitest';
import { PublishedHead } from '../src/published-head.ts';

let size: number | undefined;
let nowMs: number;

function published(): PublishedHead {
  size = 4;
  nowMs = 10_000;
  return new PublishedHead({
    newest: () => Promise.resolve(size === undefined ? undefined : { size, note: `head ${size}` }),
    nowMs: () => nowMs,
  });
}

it('stays for a second, whatever is newer, and is the newest one then', async () => {
  const head = published();
  expect(await head.note()).toBe('head 4');
  size = 9;
  nowMs += 999;
  expect(await head.note()).toBe('head 4');
  nowMs += 1;
  expect(await head.note()).toBe('head 9');
});

it('does not go back when the store was put back, and goes on once that is ahead', async () => {
  const head = published();
  expect(await head.note()).toBe('head 4');
  size = 3;
  nowMs += 1_000;
  expect(await head.note()).toBe('head 4');
  size = 5;
  nowMs += 1_000;
  expect(await head.note()).toBe('head 5');
});

it('is not held by a clock that was put back', async () => {
  const head = published();
  expect(await head.note()).toBe('head 4');
  size = 5;
  nowMs -= 5_000;
  expect(await head.note()).toBe('head 5');
});

it('is there as soon as the log has one', async () => {
  const head = published();
  size = undefined;
  expect(await head.note()).toBe(undefined);
  size = 1;
  nowMs += 1_000;
  expect(await head.note()).toBe('head 1');
});
