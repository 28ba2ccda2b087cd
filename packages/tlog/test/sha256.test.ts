import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hashLeaf, useSha256 } from '../src/index.ts';

describe("the platform's SHA-256", () => {
  it('changes no hash of a tree', () => {
    const entry = Uint8Array.of(1, 2, 3);
    const before = hashLeaf(entry);
    let calls = 0;
    useSha256((bytes) => {
      calls += 1;
      return new Uint8Array(createHash('sha256').update(bytes).digest());
    });
    const compared = calls;
    expect(hashLeaf(entry)).toEqual(before);
    expect(calls).toBe(compared + 1);
  });

  it('is refused when it is another function', () => {
    expect(() => {
      useSha256((bytes) => new Uint8Array(createHash('sha1').update(bytes).digest()));
    }).toThrow(RangeError);
  });
});
