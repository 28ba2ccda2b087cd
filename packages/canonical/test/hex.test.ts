import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../src/index.ts';
import { refusal } from './refusal.ts';

describe('hex', () => {
  it('writes what the platform writes and reads it back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(fromHex(toHex(bytes))).toEqual(bytes);
      }),
    );
  });

  it.each(['a', 'AB', 'aB', '0x00', 'gg', '00 ', '00\n', ' 00'])('refuses %j', (text) => {
    expect(refusal(() => fromHex(text))).toBe('ENCODING_FORMAT');
  });
});
