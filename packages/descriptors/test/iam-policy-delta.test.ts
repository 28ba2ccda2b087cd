import type { Json, JsonObject } from '@countersign/canonical';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { render, type Display } from '../src/index.ts';
import { builtin, codeOf, policyChange } from './example-action.ts';

function showTexts(before: string, after: string): Display {
  return render(builtin('iam.policy.change'), policyChange({ before, after }));
}

function statements(...list: Json[]): JsonObject {
  return { Version: '2012-10-17', Statement: list };
}

function show(before: Json[], after: Json[]): Display {
  return showTexts(JSON.stringify(statements(...before)), JSON.stringify(statements(...after)));
}

function values(display: Display, label: string): string[] {
  return display.lines.filter((line) => line.label === label).map(({ value }) => value);
}

function allow(action: Json, resource: Json = 'arn:aws:s3:::a'): JsonObject {
  return { Effect: 'Allow', Action: action, Resource: resource };
}

function deny(action: Json, resource: Json = 'arn:aws:s3:::a'): JsonObject {
  return { Effect: 'Deny', Action: action, Resource: resource };
}

const NOTHING = 'New permissions: 0, removed: 0, from Deny to Allow: 0, undetermined: 0';

describe('E05: the delta of a policy', () => {
  test('says first what is new and what is removed, with counts', () => {
    const display = show(
      [allow('s3:DeleteObject')],
      [allow(['s3:GetObject', 's3:PutObject']), allow('ec2:RunInstances', 'arn:aws:ec2:::x')],
    );
    expect(values(display, 'What changes')).toEqual([
      'New permissions: 3, removed: 1, from Deny to Allow: 0, undetermined: 0',
    ]);
    expect(values(display, 'New')).toEqual([
      'Allow ec2:RunInstances on arn:aws:ec2:::x',
      'Allow s3:GetObject, s3:PutObject on arn:aws:s3:::a',
    ]);
    expect(values(display, 'Removed')).toEqual(['Allow s3:DeleteObject on arn:aws:s3:::a']);
    expect(display.warnings).toEqual([]);
    const labels = display.lines.map(({ label }) => label);
    expect(labels.indexOf('What changes')).toBeLessThan(labels.indexOf('New'));
    expect(labels.indexOf('Removed')).toBeLessThan(labels.indexOf('Before 1'));
  });

  test('the same document', () => {
    const display = show([allow('s3:GetObject')], [allow('s3:GetObject')]);
    expect(values(display, 'What changes')).toEqual([NOTHING]);
    expect(values(display, 'Text')).toEqual(['the same, byte for byte']);
  });

  test.each<[string, Json[], Json[]]>([
    [
      'one and a list of one',
      [allow('s3:GetObject')],
      [allow(['s3:GetObject'], ['arn:aws:s3:::a'])],
    ],
    ['the case of an action', [allow('s3:GetObject')], [allow('S3:getobject')]],
    ['the order of actions', [allow(['s3:A', 's3:B'])], [allow(['s3:B', 's3:A', 's3:A'])]],
    ['two statements and one', [allow('s3:A'), allow('s3:B')], [allow(['s3:A', 's3:B'])]],
    ['a name of a statement', [allow('s3:A')], [{ ...allow('s3:A'), Sid: 'Harmless' }]],
    [
      'the order of condition values',
      [{ ...allow('s3:A'), Condition: { StringEquals: { 'aws:x': ['a', 'b'] } } }],
      [{ ...allow('s3:A'), Condition: { StringEquals: { 'aws:x': ['b', 'a'] } } }],
    ],
    [
      'the order of excluded actions',
      [{ Effect: 'Allow', NotAction: ['s3:A', 's3:B'], Resource: 'x' }],
      [{ Effect: 'Allow', NotAction: ['s3:b', 's3:A'], Resource: 'x' }],
    ],
  ])('%s: no change of meaning', (_, before, after) => {
    const display = show(before, after);
    expect(values(display, 'What changes')).toEqual([NOTHING]);
    expect(values(display, 'Text')).toEqual(['differs, meaning equal: 2 lines changed']);
    expect(display.warnings).toEqual([]);
  });

  test('whitespace: no change of meaning, but every line that differs is counted', () => {
    const document = statements(allow('s3:GetObject'));
    const display = showTexts(JSON.stringify(document), JSON.stringify(document, null, 2));
    expect(values(display, 'What changes')).toEqual([NOTHING]);
    expect(values(display, 'Text')).toEqual(['differs, meaning equal: 11 lines changed']);
  });

  test('a huge reorder does not hide the one entry that is new', () => {
    const many = Array.from({ length: 120 }, (_, i) => allow(`s3:A${i}`, 'x'));
    const shuffled = [...many.slice(60), allow('iam:*', '*'), ...many.slice(0, 60).reverse()];
    const display = show(many, shuffled);
    expect(values(display, 'New')).toEqual(['Allow iam:* on *']);
    expect(values(display, 'Removed')).toEqual([]);
    expect(display.lines.findIndex(({ label }) => label === 'New')).toBeLessThan(10);
  });

  test('a Deny that becomes an Allow in line 900 is among the first lines', () => {
    const head = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[\n';
    const lines = Array.from({ length: 897 }, (_, i) => `"s3:${i}"`).join(',\n');
    const tail = (effect: string): string =>
      `],"Resource":"b"},\n{"Effect":"${effect}","Action":"iam:PassRole","Resource":"r"}]}`;
    const [before, after] = [
      `${head}${lines}\n${tail('Deny')}`,
      `${head}${lines}\n${tail('Allow')}`,
    ];
    expect(after.split('\n').findIndex((line) => line.includes('PassRole'))).toBe(899);
    const display = showTexts(before, after);
    expect(values(display, 'From Deny to Allow')).toEqual(['Allow iam:PassRole on r']);
    expect(values(display, 'No longer denied')).toEqual(['Deny iam:PassRole on r']);
    expect(display.warnings).toContain('From Deny to Allow: Allow iam:PassRole on r');
    expect(values(display, 'Text')).toEqual(['differs: 2 lines changed']);
    expect(display.lines.findIndex(({ label }) => label === 'From Deny to Allow')).toBeLessThan(10);
    expect(display.lines).toContainEqual({
      label: 'After 900',
      value: '{"Effect":"Allow","Action":"iam:PassRole","Resource":"r"}]}',
      mark: 'added',
    });
  });

  test('a Deny that is dropped opens something, and is warned of', () => {
    const display = show([deny('iam:PassRole')], []);
    expect(display.warnings).toEqual(['No longer denied: Deny iam:PassRole on arn:aws:s3:::a']);
  });

  test.each<[string, Json, string]>([
    ['* in a resource', allow('s3:GetObject', 'arn:aws:s3:::a/*'), 'wildcard in the resource'],
    ['? in a resource', allow('s3:GetObject', 'arn:aws:s3:::?'), 'wildcard in the resource'],
    ['* in an action', allow('s3:*'), 'wildcard in the action'],
    [
      'a variable',
      allow('s3:A', 'arn:aws:s3:::${aws:username}'),
      'policy variable in the resource',
    ],
    [
      'NotAction',
      { Effect: 'Allow', NotAction: 'iam:A', Resource: 'x' },
      'Not element in the action',
    ],
    [
      'NotResource',
      { Effect: 'Allow', Action: 's3:A', NotResource: 'x' },
      'Not element in the resource',
    ],
    [
      'NotPrincipal',
      { Effect: 'Deny', Action: 's3:A', NotPrincipal: { AWS: 'x' } },
      'Not element in the principal',
    ],
    ['everyone', { Effect: 'Allow', Action: 's3:A', Principal: '*' }, 'wildcard in the principal'],
    ['a condition', { ...allow('s3:A'), Condition: { Bool: { 'aws:x': 'true' } } }, 'condition'],
  ])('%s is undetermined, when new and when removed', (_, statement, reason) => {
    for (const [display, label] of [
      [show([], [statement]), 'New'],
      [show([statement], []), 'Removed'],
    ] as const) {
      const [line, ...others] = values(display, 'Undetermined');
      expect(others).toEqual([]);
      expect(line?.startsWith(`${label}: `)).toBe(true);
      expect(line?.endsWith(`: ${reason}`)).toBe(true);
      expect(display.warnings).toContain(`Undetermined: ${line ?? ''}`);
    }
  });

  test('a change inside NotAction is a change', () => {
    const not = (...actions: string[]): Json => ({
      Effect: 'Allow',
      NotAction: actions,
      Resource: 'x',
    });
    const display = show([not('iam:A', 'iam:B')], [not('iam:A')]);
    expect(values(display, 'New')).toEqual(['Allow every action but iam:A on x']);
    expect(values(display, 'Removed')).toEqual(['Allow every action but iam:A, iam:B on x']);
  });

  test('a value that is written like a Not element is none', () => {
    const not = { Effect: 'Deny', Action: 's3:A', NotResource: 'x' };
    for (const key of ['!["=x"]', '!["x"]']) {
      expect(values(show([not], [deny('s3:A', key)]), 'What changes')[0]).toContain(
        'New permissions: 1, removed: 1',
      );
    }
    const everyone = { Effect: 'Allow', Action: 's3:A', Principal: '*' };
    const some = { Effect: 'Allow', Action: 's3:A', Principal: { AWS: '*' } };
    expect(values(show([everyone], [some]), 'New')).toEqual(['Allow s3:A for AWS *']);
  });

  test('names principals by their kind', () => {
    const trust = (principal: Json): Json => ({
      Effect: 'Allow',
      Action: 'sts:AssumeRole',
      Principal: principal,
    });
    const display = show([], [trust({ AWS: ['111122223333'], Service: 'ec2.amazonaws.com' })]);
    expect(values(display, 'New')).toEqual([
      'Allow sts:AssumeRole for AWS 111122223333',
      'Allow sts:AssumeRole for Service ec2.amazonaws.com',
    ]);
  });

  test('another language version is a change of meaning', () => {
    const display = showTexts('{"Statement":[]}', '{"Version":"2012-10-17","Statement":[]}');
    expect(values(display, 'Undetermined')).toEqual([
      'policy language none becomes 2012-10-17, which changes what policy variables mean',
    ]);
    expect(values(display, 'Text')).toEqual(['differs: 2 lines changed']);
  });

  test('an escape in the document hides nothing in the delta', () => {
    const display = showTexts(
      '{"Version":"2012-10-17","Statement":[]}',
      '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:A","Resource":"\\u202Ea b"}}',
    );
    expect(values(display, 'New')).toEqual(['Allow s3:A on "⟨U+202E⟩a b"']);
    expect(display.warnings).toHaveLength(1);
  });

  test('shows both texts whole, byte for byte, for documents of the largest size', () => {
    const lines = Array.from({ length: 440 }, (_, i) => `      "s3:Action${i}Of"`);
    const text = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Resource":"x","Action":[\n${lines.join(',\n')}\n]}}`;
    expect(text.length).toBeGreaterThan(10_000);
    const display = showTexts(text, text);
    const shown = display.lines.filter(({ label }) => /^After \d+$/.test(label));
    expect(shown.map(({ value }) => value).join('\n')).toBe(text);
    const single = text.replaceAll('\n', '');
    expect(values(showTexts(single, single), 'Before 1')[0]).toContain('s3:Action439Of');
  });

  test('refuses what would be too much to show', () => {
    const names = (letter: string): string[] =>
      Array.from({ length: 300 }, (_, i) => `${letter}${i}`);
    const actions = names('s3:a');
    expect(codeOf(() => show([], [allow(actions, names('r'))]))).toBe('RENDER_REFUSED');
    expect(codeOf(() => show([], [allow(actions, names('r').slice(0, 60))]))).toBe('accepted');
  });

  test('counts every entry once, and turns around when both documents do', () => {
    const entry = fc.record({
      Effect: fc.constantFrom('Allow', 'Deny'),
      Action: fc.subarray(['s3:A', 's3:B', 's3:C'], { minLength: 1 }),
      Resource: fc.subarray(['x', 'y'], { minLength: 1 }),
    });
    const keysOf = (
      list: readonly { Effect: string; Action: string[]; Resource: string[] }[],
    ): Set<string> =>
      new Set(
        list.flatMap((s) =>
          s.Action.flatMap((a) => s.Resource.map((r) => `${s.Effect} ${a} ${r}`)),
        ),
      );
    const counts = (display: Display): string[] => {
      const [text] = values(display, 'What changes');
      return [...(text ?? '').matchAll(/\d+/g)].slice(0, 2).map(([count]) => count);
    };
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 4 }),
        fc.array(entry, { maxLength: 4 }),
        (before, after) => {
          const [old, next] = [keysOf(before), keysOf(after)];
          const added = [...next].filter((key) => !old.has(key)).length;
          const removed = [...old].filter((key) => !next.has(key)).length;
          expect(counts(show(before, after))).toEqual([String(added), String(removed)]);
          expect(counts(show(after, before))).toEqual([String(removed), String(added)]);
        },
      ),
    );
  });
});
