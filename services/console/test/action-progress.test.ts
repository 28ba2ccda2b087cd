import { describe, expect, it } from 'vitest';
import { standing, type ProgressEntry } from '../src/action-progress.ts';
import { statusWords } from '../src/plain-words.ts';

function entries(...types: readonly string[]): readonly ProgressEntry[] {
  return types.map((type, index) => ({ index, type, at: '2026-11-23T06:48:35.297Z' }));
}

describe('where an action stands', () => {
  it('is used in part while it may be used again', () => {
    const used = { status: 'used', uses: 1, entries: entries('binding-made', 'binding-used') };
    expect(standing(used, 1)).toBe('used');
    expect(standing(used, 2)).toBe('used-in-part');
  });

  it('is a change that took effect once the ledger has made it, and never one that waits to be used', () => {
    const bound = { status: 'bound', uses: 0 };
    const approved = { ...bound, entries: entries('request-admitted', 'binding-made') };
    expect(standing(approved, 1)).toBe('bound');
    const made = { ...bound, entries: [...approved.entries, ...entries('authority-changed')] };
    expect(statusWords(standing(made, 1))).toBe('The change took effect');
  });
});
