import { describe, expect, it } from 'vitest';
import { pointerTo, valueAt, type Json } from '../src/index.ts';

/** RFC 6901 §5. */
const DOCUMENT: Json = {
  foo: ['bar', 'baz'],
  '': 0,
  'a/b': 1,
  'c%d': 2,
  'e^f': 3,
  'g|h': 4,
  'i\\j': 5,
  'k"l': 6,
  ' ': 7,
  'm~n': 8,
};

describe('a JSON pointer', () => {
  it.each<[string, Json]>([
    ['', DOCUMENT],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ])('%j names what the standard says', (pointer, value) => {
    expect(valueAt(DOCUMENT, pointer)).toEqual(value);
  });

  it.each(['/bar', '/foo/2', '/foo/bar', '/foo/0/0', '/constructor', '/foo/-'])(
    '%j names nothing',
    (pointer) => {
      expect(valueAt(DOCUMENT, pointer)).toBeUndefined();
    },
  );

  it('is made so that it names what it was made for', () => {
    for (const name of Object.keys(DOCUMENT)) {
      expect(valueAt(DOCUMENT, pointerTo('', name))).toEqual((DOCUMENT as never)[name]);
    }
    expect(valueAt(DOCUMENT, pointerTo(pointerTo('', 'foo'), 1))).toBe('baz');
  });
});
