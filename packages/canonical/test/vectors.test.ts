import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  canonicalBytes,
  digestBytes,
  DIGEST_TAGS,
  digestOf,
  fromBase64,
  parseCanonical,
  parseStrict,
  toBase64,
  type DigestTag,
} from '../src/index.ts';
import { refusal } from './refusal.ts';

interface ValidVector {
  about: string;
  input_b64: string;
  canonical_b64: string;
  digests: Partial<Record<DigestTag, string>>;
}

interface InvalidVector {
  about: string;
  input_b64: string;
  code: string;
}

const FOLDER = new URL('../../../test/vectors/canonical/', import.meta.url);

function load<T>(kind: 'valid' | 'invalid'): [string, T][] {
  const folder = new URL(`${kind}/`, FOLDER);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => [file, JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as T]);
}

const valid = load<ValidVector>('valid');
const invalid = load<InvalidVector>('invalid');

describe('valid vectors', () => {
  it.each(valid)('%s', (_, vector) => {
    const value = parseStrict(fromBase64(vector.input_b64));
    const canonical = canonicalBytes(value);
    expect(toBase64(canonical)).toBe(vector.canonical_b64);
    expect(parseCanonical(canonical)).toEqual(value);
    for (const tag of DIGEST_TAGS) {
      const expected = vector.digests[tag];
      if (expected === undefined) continue;
      expect(digestOf(tag, value)).toBe(expected);
      expect(digestBytes(tag, canonical)).toBe(expected);
    }
  });

  it('cover every tag of the list and no other', () => {
    const tags = new Set(valid.flatMap(([, vector]) => Object.keys(vector.digests)));
    expect([...tags].sort()).toEqual([...DIGEST_TAGS].sort());
  });
});

describe('invalid vectors', () => {
  it.each(invalid)('%s', (_, vector) => {
    expect(refusal(() => parseStrict(fromBase64(vector.input_b64)))).toBe(vector.code);
  });

  it('cover every code of the gate', () => {
    expect([...new Set(invalid.map(([, vector]) => vector.code))].sort()).toEqual([
      'DUPLICATE_KEY',
      'JSON_SYNTAX',
      'LIMIT_EXCEEDED',
      'NUMBER_OUT_OF_PROFILE',
      'TEXT_ENCODING',
    ]);
  });
});
