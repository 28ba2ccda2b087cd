import type { Json, JsonObject } from '@countersign/canonical';
import { describe, expect, test } from 'vitest';
import { BUILTIN_DESCRIPTORS, displayDigest, loadDescriptor, render } from '../src/index.ts';
import { builtin, codeOf, command } from './example-action.ts';
import { withChange } from './json-mutation.ts';

const TEXT = { type: 'string', format: 'display-text', maxLength: 20 };
const OBJECT = { type: 'object', additionalProperties: false };

const DOCUMENT: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'test.note',
  type_version: 1,
  title: 'Write a note',
  reversibility: 'reversible',
  schema: { ...OBJECT, required: ['text'], properties: { text: TEXT, why: TEXT, trace: TEXT } },
  fields: {
    '/params/text': { class: 'executed' },
    '/params/why': { class: 'claimed' },
    '/params/trace': { class: 'executed', material: false, reason: 'only names a log line' },
  },
  template: [{ label: 'Text', text: [{ field: '/params/text' }] }],
  claims: [{ label: 'Why', text: [{ field: '/params/why' }], absent: 'not given' }],
  not_covered: ['Who reads it.'],
  executor_contract: { interface: 'test.v1', preconditions: [], record: 'nowhere' },
};

function load(change: JsonObject): string {
  return codeOf(() => loadDescriptor({ ...DOCUMENT, ...change }));
}

function withSchema(properties: JsonObject, more: JsonObject = {}): string {
  return load({ schema: { ...OBJECT, required: [], properties, ...more } });
}

describe('loadDescriptor', () => {
  test('loads the test document and the built-in ones', () => {
    expect(loadDescriptor(DOCUMENT).type).toBe('test.note');
    expect(BUILTIN_DESCRIPTORS.map(({ type, typeVersion }) => `${type}/${typeVersion}`)).toEqual([
      'authority.cancel/1',
      'authority.change/1',
      'authority.deputy/1',
      'authority.freeze/1',
      'authority.home/1',
      'authority.issuer/1',
      'authority.identity/1',
      'authority.logkey/1',
      'authority.recovery/1',
      'authority.sponsor/1',
      'authority.review/1',
      'authority.sshkey/1',
      'batch.generic.command/1',
      'batch.generic.tool_call/1',
      'batch.iam.policy.change/1',
      'batch.key.rotate/1',
      'batch.payment.transfer/1',
      'batch.response.contain/1',
      'batch.secret.access/1',
      'emergency.command/1',
      'authority.thaw/1',
      'generic.command/1',
      'generic.tool_call/1',
      'iam.policy.change/1',
      'key.rotate/1',
      'payment.grant/1',
      'payment.transfer/1',
      'response.contain/1',
      'secret.access/1',
    ]);
  });

  test('E04: a field that no line shows', () => {
    expect(load({ template: [{ label: 'Text', text: ['a text'] }] })).toBe('UNRENDERABLE');
    expect(load({ claims: [] })).toBe('UNRENDERABLE');
  });

  test('E04: no built-in type can lose a line', () => {
    for (const { document, of } of BUILTIN_DESCRIPTORS) {
      // A batch has the lines of its items, and none to lose.
      if (of !== undefined) continue;
      for (const list of ['template', 'claims']) {
        for (const [index, line] of (document[list] as JsonObject[]).entries()) {
          // A line under a condition is missed at rendering; these computations show no field by themselves.
          const isBare = ['command-environment', 'break-glass'].some(
            (name) => name === line['computed'],
          );
          if ('when' in line || isBare) continue;
          const without = withChange(document, [list, index], () => undefined) ?? null;
          expect(codeOf(() => loadDescriptor(without))).toBe('UNRENDERABLE');
        }
      }
    }
  });

  test('E04: a line that a condition leaves out is missed when the action is rendered', () => {
    const document = withChange(
      builtin('generic.command').document,
      ['template', 10, 'when', 'is'],
      () => 'elsewhere',
    );
    const descriptor = loadDescriptor(document ?? null);
    expect(codeOf(() => render(descriptor, command()))).toBe('UNRENDERABLE');
  });

  test('E04: a non-material field needs its reason', () => {
    const fields = { ...(DOCUMENT['fields'] as JsonObject) };
    const trace = { class: 'executed', material: false };
    expect(load({ fields: { ...fields, '/params/trace': trace } })).toBe('UNRENDERABLE');
    const reasonOnly = { class: 'executed', reason: 'because' };
    expect(load({ fields: { ...fields, '/params/trace': reasonOnly } })).toBe('UNRENDERABLE');
    const isMaterial = { class: 'executed', material: true, reason: 'because' };
    expect(load({ fields: { ...fields, '/params/trace': isMaterial } })).toBe('UNRENDERABLE');
  });

  test('E04: each field has one class, and each class belongs to a field', () => {
    const fields = { ...(DOCUMENT['fields'] as JsonObject) };
    const without = withChange(fields, ['/params/text'], () => undefined) as JsonObject;
    expect(load({ fields: without })).toBe('UNRENDERABLE');
    expect(load({ fields: { ...fields, '/params/more': { class: 'executed' } } })).toBe(
      'UNRENDERABLE',
    );
    expect(load({ fields: { ...fields, '/params/text': { class: 'trusted' } } })).toBe(
      'UNRENDERABLE',
    );
  });

  test('E02: a claimed field cannot stand among the facts, nor a fact among the claims', () => {
    const why = { label: 'Why', text: [{ field: '/params/why' }] };
    const text = { label: 'Text', text: [{ field: '/params/text' }] };
    expect(load({ template: [text, why] })).toBe('UNRENDERABLE');
    expect(load({ claims: [why, text] })).toBe('UNRENDERABLE');
  });

  test.each<[string, JsonObject]>([
    ['an open object', { type: 'object', properties: {}, required: [] }],
    [
      'an object that is open in words',
      { ...OBJECT, additionalProperties: true, properties: {}, required: [] },
    ],
    ['a pattern', { type: 'string', format: 'display-text', maxLength: 9, pattern: '^(a+)+$' }],
    ['a text without a format', { type: 'string', maxLength: 9 }],
    ['a text without a bound', { type: 'string', format: 'display-text' }],
    ['a format of nobody', { type: 'string', format: 'telephone', maxLength: 9 }],
    ['an array without a bound', { type: 'array', items: TEXT }],
    ['an integer without bounds', { type: 'integer' }],
    ['a number', { type: 'number', minimum: 0, maximum: 1 }],
    ['a reference', { $ref: '#/x' }],
    ['an enum without values', { enum: [] }],
    ['null as a choice', { const: null }],
    ['variants without a kind', { oneOf: [{ ...OBJECT, required: [], properties: { a: TEXT } }] }],
    [
      'two variants of one kind',
      {
        oneOf: [1, 2].map(() => ({
          ...OBJECT,
          required: ['kind'],
          properties: { kind: { const: 'a' } },
        })),
      },
    ],
  ])('refuses %s', (_, schema) => {
    expect(withSchema({ text: schema, why: TEXT, trace: TEXT })).toBe('UNRENDERABLE');
  });

  test.each<[string, JsonObject]>([
    [
      'a path that the schema does not have',
      { template: [{ label: 'T', text: [{ field: '/params/txt' }] }] },
    ],
    ['a computation that does not exist', { template: [{ computed: 'tarot' }] }],
    ['a computation of another type', { template: [{ computed: 'iam-policy-delta' }] }],
    ['an unknown member', { tier: 2 }],
    [
      'an unknown member of a line',
      { template: [{ label: 'T', text: [{ field: '/params/text' }], html: true }] },
    ],
    [
      'an unknown form',
      { template: [{ label: 'T', text: [{ field: '/params/text', form: 'short' }] }] },
    ],
    [
      'a document form for a text',
      { template: [{ label: 'T', text: [{ field: '/params/text', form: 'document' }] }] },
    ],
    ['a label that turns the text around', { title: 'Pay \u202E00.1' }],
    ['no reversibility', { reversibility: 'maybe' }],
    ['another version', { v: 'countersign.descriptor.v2' }],
    ['a schema that is no object', { schema: TEXT }],
    ['a required member that is none', { schema: { ...OBJECT, required: ['x'], properties: {} } }],
  ])('refuses %s', (_, change) => {
    expect(load(change)).toBe('UNRENDERABLE');
  });

  test('E03: any change of the document is another digest', () => {
    const original = loadDescriptor(DOCUMENT).digest;
    const changed = loadDescriptor({ ...DOCUMENT, title: 'Write a note!' });
    expect(changed.digest).not.toBe(original);
    const template = [{ label: 'text', text: [{ field: '/params/text' }] }];
    expect(loadDescriptor({ ...DOCUMENT, template }).digest).not.toBe(original);
  });

  test('E03: another template gives another display digest', () => {
    const own = builtin('generic.command');
    const changed = loadDescriptor({ ...own.document, title: 'Run a harmless command' });
    const digests = [own, changed].map((descriptor) =>
      displayDigest(render(descriptor, command())),
    );
    expect(new Set(digests).size).toBe(2);
  });

  test('keeps a copy: a later change of the object given changes nothing', () => {
    const given = structuredClone(DOCUMENT) as Record<string, Json>;
    const descriptor = loadDescriptor(given);
    given['title'] = 'Other';
    expect(descriptor.document['title']).toBe('Write a note');
  });
});
