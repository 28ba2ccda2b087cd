import { describe, expect, it } from 'vitest';
import { isMark, isWordCharacter } from '../src/unicode-table.ts';

const UNASSIGNED = /^\p{Cn}$/u;

/** An engine may know less than the tables, or more, but nothing else. */
function contradicted(
  isIn: (point: number) => boolean,
  category: RegExp,
): { size: number; wrong: number[] } {
  const wrong: number[] = [];
  let size = 0;
  for (let point = 0x80; point <= 0x10ffff; point += 1) {
    if (!isIn(point)) continue;
    size += 1;
    const character = String.fromCodePoint(point);
    if (!category.test(character) && !UNASSIGNED.test(character)) wrong.push(point);
  }
  return { size, wrong };
}

describe('tables of Unicode 17.0', () => {
  it('hold the marks', () => {
    expect(contradicted(isMark, /^\p{M}$/u)).toEqual({ size: 2543, wrong: [] });
  });

  it('hold letters, marks and digits', () => {
    const category = /^[\p{L}\p{M}\p{Nd}\p{Nl}]$/u;
    expect(contradicted(isWordCharacter, category)).toEqual({ size: 149162, wrong: [] });
  });

  it.each([0x00, 0x2f, 0x7f, 0x2c1, 0x2c2, 0x10ffff])('tell the edges: U+%s', (point) => {
    const isLetter = /^[\p{L}\p{M}\p{Nd}\p{Nl}]$/u.test(String.fromCodePoint(point));
    expect(isWordCharacter(point)).toBe(isLetter);
  });
});
