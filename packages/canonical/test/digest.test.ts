import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalText,
  digestBytes,
  DIGEST_TAGS,
  digestOf,
  isDigest,
  parseDigest,
  saltedDigest,
  toBase64url,
  utf8,
  type Digest,
  type DigestTag,
} from '../src/index.ts';
import { profileJson } from './json-arbitrary.ts';
import { refusal } from './refusal.ts';

function platformDigest(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return `sha256:${hash.digest('hex')}`;
}

const VALUE: DigestTag = 'countersign/value/v1';

describe('digests', () => {
  it('hash tag, line feed and canonical bytes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...DIGEST_TAGS), profileJson, (tag, value) => {
        expect(digestOf(tag, value)).toBe(platformDigest(`${tag}\n`, canonicalText(value)));
      }),
    );
  });

  it('hash raw bytes in the same way', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(digestBytes(VALUE, bytes)).toBe(platformDigest(`${VALUE}\n`, bytes));
      }),
    );
  });

  it('differ for each tag over the same bytes', () => {
    const digests = DIGEST_TAGS.map((tag) => digestOf(tag, { a: 1 }));
    expect(new Set(digests).size).toBe(DIGEST_TAGS.length);
    expect(new Set(DIGEST_TAGS).size).toBe(DIGEST_TAGS.length);
    for (const tag of DIGEST_TAGS) expect(tag).toMatch(/^countersign\/[a-z-]+\/v1$/);
  });

  it('refuse a tag outside the list', () => {
    for (const tag of ['', 'countersign/action/v2', 'countersign/action/v1\n']) {
      expect(refusal(() => digestOf(tag as DigestTag, {}))).toBe('DIGEST_FORMAT');
    }
  });

  it('have one text form', () => {
    const digest = digestOf(VALUE, null);
    expect(parseDigest(digest)).toBe(digest);
    const hex = digest.slice('sha256:'.length);
    const wrong = [
      hex,
      `sha256:${hex.toUpperCase()}`,
      `SHA256:${hex}`,
      `sha512:${hex}`,
      `${digest}0`,
      `${digest}\n`,
      ` ${digest}`,
      digest.slice(0, -1),
      `sha256:${'g'.repeat(64)}`,
      '',
    ];
    for (const text of wrong) {
      expect(isDigest(text)).toBe(false);
      expect(refusal(() => parseDigest(text))).toBe('DIGEST_FORMAT');
    }
  });
});

describe('salted digests', () => {
  const salt = Uint8Array.from({ length: 16 }, (_, i) => i * 7);

  it('hash salt and value as one object', () => {
    const expected = platformDigest(
      `${VALUE}\n`,
      `{"salt":"${toBase64url(salt)}","value":"10.00"}`,
    );
    expect(saltedDigest(VALUE, salt, '10.00')).toBe(expected);
  });

  it('G15 a hidden amount cannot be guessed from its digest without the salt, only with it', () => {
    const hidden = '4200.00';
    const digest: Digest = saltedDigest(VALUE, salt, hidden);
    const dictionary = Array.from({ length: 5_000 }, (_, i) => `${i}.00`);
    const emptySalt = new Uint8Array(16);
    const guesses: Record<string, (guess: string) => string> = {
      plain: (guess) => digestOf(VALUE, guess),
      unsalted: (guess) => digestOf(VALUE, { value: guess }),
      untagged: (guess) => platformDigest(guess),
      'zero salt': (guess) => saltedDigest(VALUE, emptySalt, guess),
    };
    for (const [way, guess] of Object.entries(guesses)) {
      expect(
        dictionary.filter((entry) => guess(entry) === digest),
        way,
      ).toEqual([]);
    }
    const informed = dictionary.filter((entry) => saltedDigest(VALUE, salt, entry) === digest);
    expect(informed).toEqual([hidden]);
  });

  it('G15 every bit of the salt enters the digest', () => {
    const digests = new Set([saltedDigest(VALUE, salt, 1)]);
    for (let bit = 0; bit < 128; bit += 1) {
      const other = Uint8Array.from(salt);
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      digests.add(saltedDigest(VALUE, other, 1));
    }
    expect(digests.size).toBe(129);
  });

  it('G15 refuse a salt under 128 bits', () => {
    expect(refusal(() => saltedDigest(VALUE, salt.subarray(0, 15), 1))).toBe('ENCODING_FORMAT');
    expect(refusal(() => saltedDigest(VALUE, utf8(''), 1))).toBe('ENCODING_FORMAT');
    expect(refusal(() => saltedDigest(VALUE, new Uint8Array(32), 1))).toBeUndefined();
  });
});
