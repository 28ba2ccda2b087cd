import { canonicalText, fromUtf8, parseStrict, utf8, type Json } from '@countersign/canonical';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  BUILTIN_DESCRIPTORS,
  displayDigest,
  loadDescriptor,
  parseAction,
  render,
  type Descriptor,
} from '../src/index.ts';
import { codeOf } from './example-action.ts';

const ROOT = new URL('../../../', import.meta.url);

interface Vector {
  readonly about: string;
  /** Exact text. */
  readonly action: string;
  readonly digest: string;
  readonly code: string;
  /** Name of a file in schemas/json, or a document. */
  readonly descriptor: Json;
  readonly display: Json;
  readonly display_digest: string;
}

function readJson(path: string): Json {
  return parseStrict(readFileSync(new URL(path, ROOT)));
}

function vectors(folder: string): [string, Vector][] {
  const path = `test/vectors/${folder}/`;
  return readdirSync(new URL(path, ROOT)).map((file) => [
    file,
    readJson(`${path}${file}`) as unknown as Vector,
  ]);
}

function descriptorOf({ descriptor }: Vector): Descriptor {
  const isName = typeof descriptor === 'string';
  return loadDescriptor(isName ? readJson(`schemas/json/${descriptor}.json`) : descriptor);
}

describe('test/vectors', () => {
  test.each(vectors('action/valid'))('action/valid/%s', (_, vector) => {
    const parsed = parseAction(utf8(vector.action));
    expect(fromUtf8(parsed.bytes)).toBe(vector.action);
    expect(parsed.digest).toBe(vector.digest);
  });

  test.each(vectors('action/invalid'))('action/invalid/%s', (_, vector) => {
    expect(codeOf(() => parseAction(utf8(vector.action)))).toBe(vector.code);
  });

  test.each(vectors('descriptor/valid'))('descriptor/valid/%s', (_, vector) => {
    expect(descriptorOf(vector).digest).toBe(vector.digest);
  });

  test.each(vectors('descriptor/invalid'))('descriptor/invalid/%s', (_, vector) => {
    expect(codeOf(() => descriptorOf(vector))).toBe(vector.code);
  });

  test.each(vectors('display/valid'))('display/valid/%s', (_, vector) => {
    const display = render(descriptorOf(vector), parseAction(utf8(vector.action)));
    expect(display).toEqual(JSON.parse(canonicalText(vector.display)));
    expect(displayDigest(display)).toBe(vector.display_digest);
  });

  test.each(vectors('display/invalid'))('display/invalid/%s', (_, vector) => {
    const descriptor = descriptorOf(vector);
    const action = parseAction(utf8(vector.action));
    expect(codeOf(() => render(descriptor, action))).toBe(vector.code);
  });

  test('each code of this package has a vector', () => {
    const folders = ['action/invalid', 'descriptor/invalid', 'display/invalid'];
    const codes = new Set(folders.flatMap(vectors).map(([, { code }]) => code));
    for (const code of [
      ...[
        'UNKNOWN_MEMBER',
        'SCHEMA_INVALID',
        'UNRESOLVED_REFERENCE',
        'MONEY_FORMAT',
        'UNSAFE_TEXT',
      ],
      ...['RENDER_REFUSED', 'UNRENDERABLE', 'LIMIT_EXCEEDED', 'UNKNOWN_TYPE'],
    ]) {
      expect(codes).toContain(code);
    }
  });
});

describe('schemas/json', () => {
  test.each(BUILTIN_DESCRIPTORS.map((built): [string, Descriptor] => [built.type, built]))(
    'holds the same document as the built-in %s',
    (type, built) => {
      const file = readJson(`schemas/json/${type}.v${built.typeVersion}.json`);
      expect(canonicalText(built.document)).toBe(canonicalText(file));
    },
  );
});
