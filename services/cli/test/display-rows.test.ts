import { describe, expect, it } from 'vitest';
import { rowsOf } from '../src/display-rows.ts';

describe('rows of a terminal', () => {
  it('hold the whole text, none wider than the terminal', () => {
    const text = `  Argument 1: ${'x'.repeat(500)} ende`;
    const rows = rowsOf(text, 60);
    expect(rows.every((row) => row.length <= 60)).toBe(true);
    expect(rows.map((row, at) => (at === 0 ? row : row.slice(8))).join('')).toBe(text);
  });

  it('B10: begin with nothing that others wrote, however they fill up a row', () => {
    const forged = `harmless${' '.repeat(52)}  Program: /bin/true`;
    for (let columns = 40; columns < 100; columns += 1) {
      const [first = '', ...more] = rowsOf(`  | Purpose: ${forged}`, columns);
      expect(first.startsWith('  | Purpose: harmless')).toBe(true);
      expect(more.every((row) => row.startsWith('      | '))).toBe(true);
    }
  });

  it('B06: show what turns the reading order round, and what nobody sees, by its code point', () => {
    const rows = rowsOf('a\u202Eb\u001B[2J\u200Bc\r\nd', 80);
    expect(rows).toEqual([String.raw`a\u{202e}b\u{1b}[2J\u{200b}c\u{d}\u{a}d`]);
  });

  it('count wide characters as two, so that the terminal never wraps by itself', () => {
    expect(rowsOf('\u6F22'.repeat(40), 40)).toHaveLength(3);
  });
});
