import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  decodeContent,
  decodeIntake,
  decodeLogRecord,
  decodePublic,
  decodeQuarantined,
  encodeContent,
  encodeIntake,
  encodeLogRecord,
  encodePublic,
  encodeQuarantined,
  type PublicTopic,
} from '@countersign/wire';
import { describe, expect, it } from 'vitest';
import {
  contractDigest,
  nameOf,
  typeOf,
  versionProblems,
  type Golden,
  type Schema,
  type SchemaVersion,
} from './testing/schema-versions.ts';

const ROOT = join(import.meta.dirname, '../../..');
const SCHEMAS = join(ROOT, 'schemas/avro');
const GOLDEN = join(ROOT, 'test/vectors/wire/golden');

function versionsIn(record: string): SchemaVersion[] {
  return readdirSync(join(SCHEMAS, record)).map((file) => ({
    record,
    version: Number(/^v([1-9]\d*)\.avsc$/.exec(file)?.[1]),
    schema: JSON.parse(readFileSync(join(SCHEMAS, record, file), 'utf8')) as Schema,
  }));
}

function goldenIn(file: string): Golden {
  return JSON.parse(readFileSync(join(GOLDEN, file), 'utf8'), bytesFromHex) as Golden;
}

function bytesFromHex(_key: string, value: unknown): unknown {
  const isBytes = typeof value === 'object' && value !== null && 'hex' in value;
  return isBytes ? Buffer.from(value.hex as string, 'hex') : value;
}

const versions = readdirSync(SCHEMAS).flatMap(versionsIn);
const golden = new Map(
  readdirSync(GOLDEN).map((file) => [file.replace('.json', ''), goldenIn(file)]),
);

/** Through the package, as a reader of the topic does it, and back. */
function written(record: string, frame: Uint8Array): Uint8Array {
  switch (record) {
    case 'batch':
    case 'checkpoint-sealed':
    case 'binding-sealed':
      return encodeLogRecord(decodeLogRecord(frame));
    case 'intake':
      return encodeIntake(decodeIntake(frame));
    case 'content':
      return encodeContent(decodeContent(frame));
    case 'quarantined':
    case 'finding-quarantined':
      return encodeQuarantined(decodeQuarantined(frame));
    default:
      return encodePublic(record as PublicTopic, decodePublic(record as PublicTopic, frame));
  }
}

describe('schemas/avro', () => {
  it('keeps every version as it was published, with golden bytes, readable by every other', () => {
    expect(versionProblems(versions, golden)).toEqual([]);
  });

  it('counts the versions of each record from 1, without a gap', () => {
    for (const record of readdirSync(SCHEMAS)) {
      const numbers = versionsIn(record).map(({ version }) => version);
      expect([record, numbers.sort((a, b) => a - b)]).toEqual([
        record,
        numbers.map((_, at) => at + 1),
      ]);
    }
  });

  it('is told of in schemas/formats/batch-and-wire.md, each version with how its frames begin', () => {
    const page = readFileSync(join(ROOT, 'schemas/formats/batch-and-wire.md'), 'utf8');
    const rows = [
      ...page.matchAll(/^\| [a-z-]+ +\| (\w+) +\| (\d+) +\| `c301 ([0-9a-f]{16})` \|$/gm),
    ];
    const told = rows.map(([, name, version, fingerprint]) => [name, Number(version), fingerprint]);
    const there = versions.map((each) => [
      each.schema.name,
      each.version,
      golden.get(nameOf(each))?.records[0]?.frame.slice(4, 20),
    ]);
    expect(told.sort()).toEqual(there.sort());
  });
});

describe.each(versions.map((each) => ({ ...each, name: nameOf(each) })))(
  'golden bytes of $name',
  ({ record, version, schema, name }) => {
    const records = golden.get(name)?.records ?? [];
    const isNewest = versionsIn(record).every((other) => other.version <= version);

    it('are what the schema alone makes of the stated values, and of nothing else', () => {
      const type = typeOf(schema);
      for (const { value, frame } of records) {
        expect(type.toBuffer(value).toString('hex')).toBe(frame.slice(20));
        expect({ ...(type.fromBuffer(Buffer.from(frame.slice(20), 'hex')) as object) }).toEqual(
          value,
        );
      }
    });

    it('are read by the package, and written again the same by it where they are the newest', () => {
      for (const { frame } of records) {
        const again = Buffer.from(written(record, Buffer.from(frame, 'hex'))).toString('hex');
        if (isNewest) expect(again).toBe(frame);
      }
    });
  },
);

describe('a change of a schema', () => {
  const [batch] = versions.filter(({ record }) => record === 'batch');
  if (batch === undefined) throw new Error('expected the schema of a batch');
  const others = versions.filter((each) => each !== batch);

  const fieldsOf = (schema: Schema): Record<string, unknown>[] =>
    structuredClone(schema.fields) as Record<string, unknown>[];
  const field = { name: 'shard', type: 'string', doc: 'Which one.' };
  const changes: [string, (fields: Record<string, unknown>[]) => Record<string, unknown>[]][] = [
    ['another type', (fields) => fields.with(1, { ...fields[1], type: 'int' })],
    ['another name', (fields) => fields.with(0, { ...fields[0], name: 'source' })],
    ['one more', (fields) => [...fields, field]],
    ['one less', (fields) => fields.slice(0, -1)],
    ['another order', (fields) => [fields[1] ?? {}, fields[0] ?? {}, ...fields.slice(2)]],
    ['a default', (fields) => fields.with(0, { ...fields[0], default: '' })],
    ['an alias', (fields) => fields.with(0, { ...fields[0], aliases: ['source'] })],
  ];

  it.each(changes)('in place is found: %s', (_, change) => {
    const schema = { ...batch.schema, fields: change(fieldsOf(batch.schema)) } as Schema;
    expect(versionProblems([{ ...batch, schema }, ...others], golden)).toEqual([
      expect.stringMatching(/^batch\.v1: was published as .*: add a version instead$/),
    ]);
  });

  it('of its comments alone is none', () => {
    const fields = fieldsOf(batch.schema).map((each) => ({ ...each, doc: 'Said better.' }));
    const schema = { ...batch.schema, doc: 'Said better.', fields } as Schema;
    expect(versionProblems([{ ...batch, schema }, ...others], golden)).toEqual([]);
  });

  it('that takes a version away is found', () => {
    expect(versionProblems(others, golden)).toEqual(['batch.v1: is gone']);
  });

  /** What is wrong once a second version with these fields has been published, and written. */
  const withNext = (fields: object[], name = batch.schema.name): string[] => {
    const schema = { ...batch.schema, name, fields } as Schema;
    const value = { ...golden.get('batch.v1')?.records[0]?.value, shard: 'one' };
    const frame = `${'00'.repeat(10)}${typeOf(schema).toBuffer(value).toString('hex')}`;
    const second = { schema_sha256: contractDigest(schema), records: [{ value, frame }] };
    const next = { record: 'batch', version: 2, schema };
    return versionProblems([...versions, next], new Map([...golden, ['batch.v2', second]]));
  };

  it('as a version that every other reads, and that reads every other, is none', () => {
    expect(withNext([...fieldsOf(batch.schema), { ...field, default: '' }])).toEqual([]);
  });

  it.each<[string, RegExp, (fields: Record<string, unknown>[]) => object[]]>([
    [
      'a field more without a default',
      /^batch\.v2: cannot read batch\.v1: /,
      (fields) => [...fields, field],
    ],
    [
      'a field less that had no default',
      /^batch\.v1: cannot read batch\.v2: /,
      (fields) => fields.slice(0, -1),
    ],
    [
      'a type that widens',
      /^batch\.v1: cannot read batch\.v2: /,
      (fields) => fields.with(7, { ...fields[7], type: 'long' }),
    ],
  ])('as a version is found where one of two cannot read the other: %s', (...[, problem, make]) => {
    expect(withNext(make(fieldsOf(batch.schema)))).toEqual([expect.stringMatching(problem)]);
  });

  it('as a version of another name is found', () => {
    expect(withNext(fieldsOf(batch.schema), 'Batch2')).toHaveLength(2);
  });

  it('without golden bytes is found', () => {
    const next = { ...batch, version: 2 };
    expect(versionProblems([...versions, next], golden)).toEqual(['batch.v2: has no golden bytes']);
  });
});
