import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as embedded from '../src/avro-schema.ts';
import { crc64Avro } from '../src/fingerprint.ts';

const FOLDER = join(import.meta.dirname, '../../../schemas/avro');

interface Documented {
  name: string;
  doc?: string;
  fields?: Documented[];
}

const files = readdirSync(FOLDER).flatMap((record) =>
  readdirSync(join(FOLDER, record)).map((name) => ({
    record,
    version: Number(/\d+/.exec(name)?.[0]),
    file: `${record}/${name}`,
    schema: JSON.parse(readFileSync(join(FOLDER, record, name), 'utf8')) as Documented,
  })),
);

function constantName(record: string): string {
  return record.replaceAll('-', '_').toUpperCase();
}

describe('schemas/avro', () => {
  it('is what is embedded, the newest version of each record', () => {
    const oldestFirst = files.sort((a, b) => a.version - b.version);
    const fromFiles = oldestFirst.map(({ record, schema }) => [constantName(record), schema]);
    expect(Object.fromEntries(fromFiles)).toEqual({ ...embedded });
  });

  it.each(files)('$file documents every field', ({ schema }) => {
    for (const { doc = '' } of [schema, ...(schema.fields ?? [])]) expect(doc).toMatch(/\.$/);
  });
});

describe('CRC-64-AVRO', () => {
  // From the schema tests of Apache Avro.
  it.each([
    ['"null"', 7195948357588979594n],
    ['"boolean"', -6970731678124411036n],
    ['"int"', 8247732601305521295n],
    ['"long"', -3434872931120570953n],
    ['"string"', -8142146995180207161n],
    ['"bytes"', 5746618253357095269n],
  ])('of %s', (schema, expected) => {
    expect(BigInt.asIntN(64, crc64Avro(Buffer.from(schema)))).toBe(expected);
  });
});
