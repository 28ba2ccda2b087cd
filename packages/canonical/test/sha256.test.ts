import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { digestBytes, sha256, useSha256 } from '../src/index.ts';

function platformSha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

afterEach(() => {
  useSha256(platformSha256);
});

describe("the platform's SHA-256", () => {
  it('is used once it is handed in, and changes no digest', () => {
    const data = Uint8Array.of(1, 2, 3);
    const before = digestBytes('countersign/file/v1', data);
    let calls = 0;
    useSha256((bytes) => {
      calls += 1;
      return platformSha256(bytes);
    });
    const compared = calls;
    expect(digestBytes('countersign/file/v1', data)).toBe(before);
    expect(calls).toBe(compared + 1);
  });

  it('is refused when it is another function, and nothing changes', () => {
    const sha512 = (bytes: Uint8Array): Uint8Array =>
      new Uint8Array(createHash('sha512').update(bytes).digest());
    const wrongOnlyForLong = (bytes: Uint8Array): Uint8Array =>
      platformSha256(bytes.length > 64 ? bytes.subarray(0, 64) : bytes);
    for (const other of [sha512, wrongOnlyForLong]) {
      expect(() => {
        useSha256(other);
      }).toThrow(RangeError);
    }
    const data = new Uint8Array(200).fill(7);
    expect(sha256(data)).toEqual(platformSha256(data));
  });
});
