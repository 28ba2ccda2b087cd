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
  MAX_BATCH_ENTRIES,
  MAX_WIRE_BYTES,
  WireError,
  type Batch,
  type Content,
  type Intake,
  type LogRecord,
  type PublicEvent,
  type PublicTopic,
  type Quarantined,
} from '@countersign/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const VECTORS = join(import.meta.dirname, '../../../test/vectors/wire');
const PUBLIC_TOPICS = [
  'action-requested',
  'decision-made',
  'use-claimed',
  'execution-reported',
] as const satisfies PublicTopic[];
const FINDING_TOPIC = 'finding-submitted' satisfies PublicTopic;

interface Vector {
  name: string;
  topic: PublicTopic | 'intake' | 'log' | 'content' | 'quarantine';
  frame: string;
  record?: unknown;
  code?: string;
}

function vectors(folder: 'valid' | 'invalid'): Vector[] {
  return readdirSync(join(VECTORS, folder)).map((name) => {
    const text = readFileSync(join(VECTORS, folder, name), 'utf8');
    return { name, ...(JSON.parse(text, bytesFromHex) as Omit<Vector, 'name'>) };
  });
}

function bytesFromHex(_key: string, value: unknown): unknown {
  const isBytes = typeof value === 'object' && value !== null && 'hex' in value;
  return isBytes ? bytes(value.hex as string) : value;
}

function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

function decode(topic: Vector['topic'], frame: Uint8Array): unknown {
  if (topic === 'log') return decodeLogRecord(frame);
  if (topic === 'intake') return decodeIntake(frame);
  if (topic === 'content') return decodeContent(frame);
  if (topic === 'quarantine') return decodeQuarantined(frame);
  return decodePublic(topic, frame);
}

function encode(topic: Vector['topic'], record: unknown): Uint8Array {
  if (topic === 'log') return encodeLogRecord(record as LogRecord);
  if (topic === 'intake') return encodeIntake(record as Intake);
  if (topic === 'content') return encodeContent(record as Content);
  if (topic === 'quarantine') return encodeQuarantined(record as Quarantined);
  return encodePublic(topic, record as PublicEvent);
}

function code(operation: () => unknown): string {
  try {
    operation();
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
  return 'no error';
}

const BATCH: Batch = {
  kind: 'batch',
  origin: 'o',
  sizeBefore: 0,
  rootBefore: new Uint8Array(32),
  sizeAfter: 1,
  rootAfter: new Uint8Array(32),
  intakeOffsetAfter: 1,
  epoch: 'e',
  rulesVersion: 1,
  entries: [new Uint8Array(1)],
};

describe('vectors', () => {
  it.each(vectors('valid'))('$name is the one encoding of its record', (vector) => {
    const { topic, record, frame } = vector;
    expect(decode(topic, bytes(frame))).toEqual(record);
    expect(Buffer.from(encode(topic, record)).toString('hex')).toBe(frame);
  });

  it.each(vectors('invalid'))('$name is refused with $code', (vector) => {
    expect(code(() => decode(vector.topic, bytes(vector.frame)))).toBe(vector.code);
  });

  it('cover every record and every code', () => {
    expect(new Set(vectors('valid').map((v) => v.frame.slice(0, 20))).size).toBe(12);
    const codes = new Set(vectors('invalid').map((v) => v.code));
    expect([...codes].sort()).toEqual(['WIRE_LIMIT', 'WIRE_MALFORMED', 'WIRE_SCHEMA_UNKNOWN']);
  });
});

const text = fc.string({ unit: 'binary' });
const body = fc.uint8Array({ maxLength: 300 });
const root = fc.uint8Array({ minLength: 32, maxLength: 32 });
const size = fc.nat({ max: 2 ** 53 - 2 });
const kind = fc.constantFrom<Intake['kind']>('ActionRequested', 'Enrolment', 'Erasure', 'Tick');

const records: fc.Arbitrary<[Vector['topic'], unknown]> = fc.oneof(
  fc.tuple(
    fc.constantFrom(...PUBLIC_TOPICS),
    fc.record({ tenant: text, actionId: text, payload: body }),
  ),
  fc.tuple(
    fc.constant('intake' as const),
    fc.record({ kind, tenant: text, actionId: text, payload: body }),
  ),
  fc.tuple(
    fc.constant(FINDING_TOPIC),
    fc.record({ tenant: text, actionId: fc.constant(''), payload: body }),
  ),
  fc.tuple(
    fc.constant('intake' as const),
    fc.record({
      kind: fc.constant('FindingSubmitted'),
      tenant: text,
      actionId: fc.constant(''),
      payload: body,
    }),
  ),
  fc.tuple(
    fc.constant('quarantine' as const),
    fc.record({
      kind: fc.constant('FindingSubmitted'),
      reason: text,
      inputDigest: text,
      sizeBytes: fc.nat(),
    }),
  ),
  fc.tuple(
    fc.constant('log' as const),
    fc.record({
      kind: fc.constant('batch'),
      origin: text,
      sizeBefore: size,
      rootBefore: root,
      sizeAfter: size,
      rootAfter: root,
      intakeOffsetAfter: size,
      epoch: text,
      rulesVersion: fc.nat(),
      entries: fc.array(body),
    }),
  ),
  fc.tuple(
    fc.constant('log' as const),
    fc.record({ kind: fc.constant('checkpoint'), size, note: text }),
  ),
  fc.tuple(
    fc.constant('log' as const),
    fc.record({ kind: fc.constant('binding'), index: size, entry: body, receipt: text }),
  ),
  fc.tuple(
    fc.constant('content' as const),
    fc.record({
      kind: fc.constantFrom('ACTION', 'RATIONALE'),
      tenant: text,
      actionId: text,
      digest: text,
      body,
    }),
  ),
  fc.tuple(
    fc.constant('quarantine' as const),
    fc.record({ kind, reason: text, inputDigest: text, sizeBytes: fc.nat() }),
  ),
);

describe('any record', () => {
  it('comes back as it went in', () => {
    fc.assert(
      fc.property(records, ([topic, record]) => {
        expect(decode(topic, encode(topic, record))).toEqual(record);
      }),
    );
  });

  it('with bytes changed, cut or added is refused, or is another record with its own encoding', () => {
    const change = fc.record({ at: fc.nat(), to: fc.nat({ max: 255 }), cut: fc.nat({ max: 3 }) });
    fc.assert(
      fc.property(
        records,
        change,
        fc.uint8Array({ maxLength: 3 }),
        ([topic, record], edit, tail) => {
          const frame = encode(topic, record);
          frame[edit.at % frame.length] = edit.to;
          const cut = frame.subarray(0, frame.length - edit.cut);
          const changed = new Uint8Array([...cut, ...tail]);
          try {
            expect(encode(topic, decode(topic, changed))).toEqual(changed);
          } catch (error) {
            expect(error).toBeInstanceOf(WireError);
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

describe('arbitrary bytes', () => {
  const topics = [
    ...PUBLIC_TOPICS,
    FINDING_TOPIC,
    'intake',
    'log',
    'content',
    'quarantine',
  ] as const;
  const headers = vectors('valid').map((v) => bytes(v.frame).subarray(0, 10));

  it('behind a right header never give anything but a record or a WireError, and never hang', () => {
    fc.assert(
      fc.property(fc.constantFrom(...headers), fc.uint8Array({ maxLength: 80 }), (header, rest) => {
        const frame = new Uint8Array([...header, ...rest]);
        for (const topic of topics) expect(code(() => decode(topic, frame))).toMatch(/^WIRE|no/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are never a frame', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (frame) => {
        for (const topic of topics) expect(code(() => decode(topic, frame))).toMatch(/^WIRE/);
      }),
    );
  });
});

describe('encoding refuses', () => {
  it.each([
    ['a root of 31 bytes', { rootAfter: new Uint8Array(31) }],
    ['a negative size', { sizeBefore: -1 }],
    ['a size beyond 2^53 - 2', { sizeAfter: 2 ** 53 - 1 }],
    ['half a size', { sizeAfter: 0.5 }],
    ['a rules version beyond 31 bits', { rulesVersion: 2 ** 31 }],
    ['half a character', { origin: '\ud800' }],
  ])('%s', (_, change) => {
    expect(code(() => encodeLogRecord({ ...BATCH, ...change }))).toBe('WIRE_MALFORMED');
  });

  it('a finding with an action id beside it, which would not come back', () => {
    const finding = {
      tenant: 't',
      actionId: '01JD3Z8Q4T0000000000000002',
      payload: new Uint8Array(),
    };
    expect(code(() => encodePublic(FINDING_TOPIC, finding))).toBe('WIRE_MALFORMED');
    expect(code(() => encodeIntake({ kind: 'FindingSubmitted', ...finding }))).toBe(
      'WIRE_MALFORMED',
    );
  });

  it('more than a record may hold, in bytes and in entries', () => {
    const large = { ...BATCH, entries: [new Uint8Array(MAX_WIRE_BYTES)] };
    expect(code(() => encodeLogRecord(large))).toBe('WIRE_LIMIT');
    const many = Array.from({ length: MAX_BATCH_ENTRIES + 1 }, () => new Uint8Array());
    expect(code(() => encodeLogRecord({ ...BATCH, entries: many }))).toBe('WIRE_LIMIT');
    const most = encodeLogRecord({ ...BATCH, entries: many.slice(1) });
    expect(code(() => decodeLogRecord(most))).toBe('no error');
  });

  it('and decoding too, whatever the header says', () => {
    expect(code(() => decodeLogRecord(new Uint8Array(MAX_WIRE_BYTES + 1)))).toBe('WIRE_LIMIT');
  });
});

describe('decoding', () => {
  it('hands out bytes of its own', () => {
    const frame = encodeLogRecord(BATCH);
    const decoded = decodeLogRecord(frame);
    frame.fill(0xff);
    expect(decoded).toEqual(BATCH);
  });
});
