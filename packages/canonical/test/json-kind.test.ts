import { expect, it } from 'vitest';
import { jsonKind, type Json } from '../src/index.ts';

it.each<[Json | undefined, string]>([
  [undefined, 'nothing'],
  [null, 'null'],
  [true, 'a boolean'],
  [12345, 'a number'],
  ['hunter2', 'a text of 7 characters'],
  [[1, 2], 'an array of 2'],
  [{ password: 'hunter2' }, 'an object'],
])('what %j is, is told without what it holds', (json, kind) => {
  expect(jsonKind(json)).toBe(kind);
});
