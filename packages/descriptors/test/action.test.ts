import { canonicalBytes, canonicalText, digestOf, utf8, type Json } from '@countersign/canonical';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { displayDigest, parseAction, render } from '../src/index.ts';
import {
  action,
  AUTHORITY_PARAMS,
  builtin,
  codeOf,
  COMMAND_PARAMS,
  digest,
  envelope,
  HOST_PARAMS,
  INSTANCE_PARAMS,
  PASSWORD_PARAMS,
  PAYMENT_PARAMS,
  POLICY_PARAMS,
  ROTATION_PARAMS,
  SECRET_PARAMS,
  TOOL_PARAMS,
} from './example-action.ts';
import { otherValues, pathsOf, withChange } from './json-mutation.ts';

const EXAMPLES = [
  envelope('generic.command', COMMAND_PARAMS),
  envelope('iam.policy.change', POLICY_PARAMS),
  envelope('authority.change', AUTHORITY_PARAMS),
  envelope('generic.tool_call', TOOL_PARAMS),
  envelope('payment.transfer', PAYMENT_PARAMS),
  envelope('key.rotate', ROTATION_PARAMS),
  envelope('key.rotate', PASSWORD_PARAMS),
  envelope('secret.access', SECRET_PARAMS),
  envelope('response.contain', INSTANCE_PARAMS),
  envelope('response.contain', HOST_PARAMS),
];
const COMMAND = envelope('generic.command', COMMAND_PARAMS);

/** Every document that differs from this one in one place. */
function mutantsOf(original: Json): Json[] {
  const text = canonicalText(original);
  const mutants = pathsOf(original).flatMap((path) => {
    const removed = withChange(original, path, () => undefined) ?? null;
    const values: Json[] = [];
    withChange(original, path, (old) => {
      values.push(...otherValues(old));
      return old;
    });
    const changed = values.map((value) => withChange(original, path, () => value) ?? null);
    return [removed, ...changed];
  });
  return mutants.filter((mutant) => canonicalText(mutant) !== text);
}

describe('parseAction', () => {
  test.each(EXAMPLES)('keeps bytes, digest and envelope of $type', (example) => {
    const parsed = action(example);
    expect(parsed.bytes).toEqual(canonicalBytes(example));
    expect(parsed.digest).toBe(digestOf('countersign/action/v1', example));
    expect(canonicalText(parsed.envelope.params)).toBe(canonicalText(example['params'] ?? null));
  });

  test('does not share the buffer of its caller', () => {
    const bytes = canonicalBytes(COMMAND);
    const parsed = parseAction(bytes);
    bytes.fill(0);
    expect(parsed.bytes).toEqual(canonicalBytes(COMMAND));
  });

  test.each(EXAMPLES)('A02: every mutation of $type is refused or is another action', (example) => {
    const original = action(example);
    const mutants = mutantsOf(example);
    expect(mutants.length).toBeGreaterThan(400);
    let accepted = 0;
    for (const mutant of mutants) {
      const bytes = canonicalBytes(mutant);
      if (codeOf(() => parseAction(bytes)) !== 'accepted') continue;
      accepted += 1;
      expect(parseAction(bytes).digest).not.toBe(original.digest);
    }
    expect(accepted).toBeGreaterThan(20);
  });

  test.each(EXAMPLES)(
    'A02, E01: every mutation of $type that renders is shown differently',
    (example) => {
      const descriptor = builtin(action(example).envelope.type);
      const original = displayDigest(render(descriptor, action(example)));
      const originalLines = canonicalText({
        ...render(descriptor, action(example)),
        nonce: '',
      } as unknown as Json);
      let rendered = 0;
      for (const mutant of mutantsOf(example)) {
        const bytes = canonicalBytes(mutant);
        if (codeOf(() => render(descriptor, parseAction(bytes))) !== 'accepted') continue;
        rendered += 1;
        const display = render(descriptor, parseAction(bytes));
        expect(displayDigest(display)).not.toBe(original);
        const isNonce = parseAction(bytes).envelope.nonce !== example['nonce'];
        if (!isNonce)
          expect(canonicalText({ ...display, nonce: '' } as unknown as Json)).not.toBe(
            originalLines,
          );
      }
      expect(rendered).toBeGreaterThan(20);
    },
  );

  test('A02: flipping any bit is refused or gives another digest', () => {
    const bytes = canonicalBytes(COMMAND);
    const original = parseAction(bytes).digest;
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const flipped = bytes.slice();
        const at = bit >> 3;
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7));
        let found: string | undefined;
        const code = codeOf(() => {
          found = parseAction(flipped).digest;
        });
        expect(code !== 'accepted' || found !== original).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('A04: the same tool on another file is another action', () => {
    const edit = (file: string): Json => ({ ...COMMAND_PARAMS, argv: ['edit', file] });
    const first = action({ ...COMMAND, params: edit('a.txt') });
    const second = action({ ...COMMAND, params: edit('/etc/shadow') });
    expect(first.digest).not.toBe(second.digest);
  });

  test('A08: an edit that names its parent is still an action of its own', () => {
    const original = action(COMMAND);
    const edited = action({
      ...COMMAND,
      params: { ...COMMAND_PARAMS, timeout_s: 60 },
      parent_digest: original.digest,
    });
    expect(edited.digest).not.toBe(original.digest);
    expect(render(builtin('generic.command'), edited).lines).toContainEqual({
      label: 'Follows the action',
      value: original.digest,
    });
  });

  test('A09: another interface of the executor is another action', () => {
    const executor = { id: 'executor:local', audience: 'local', descriptor_digest: digest('45') };
    expect(action({ ...COMMAND, executor }).digest).not.toBe(action(COMMAND).digest);
  });

  test.each(['owner', 'urgent'])('B12: agent.%s is unknown', (name) => {
    const agent = { id: 'a', key_thumbprint: digest('11'), [name]: 'prs_1' };
    expect(codeOf(() => action({ ...COMMAND, agent }))).toBe('UNKNOWN_MEMBER');
  });

  test.each(['display', 'summary', 'tier'])('E02: the envelope has no place for %s', (name) => {
    expect(codeOf(() => action({ ...COMMAND, [name]: 'pay 1.00' }))).toBe('UNKNOWN_MEMBER');
  });

  test.each([
    ['a bidirectional override', 'agent:\u202Exif'],
    ['a zero-width space', 'agent\u200B:fixer'],
    ['a control character', 'agent\u0007'],
    ['a line feed', 'agent\n'],
    ['a space', 'agent fixer'],
    ['a no-break space', 'agent\u00A0fixer'],
    ['a combining mark', 'agente\u0301'],
    ['Cyrillic in Latin', 'АCME'],
    ['full-width letters', 'ＡＣＭＥ'],
    ['a tag character', 'agent\u{E0041}'],
    ['private use', 'agent\uE000'],
    ['a one dot leader', 'prod\u2024db'],
    ['a fraction slash', 'prod\u2044db'],
    ['a division slash', 'prod\u2215db'],
    ['a hyphen that does not break', 'prod\u2011db'],
    ['a modifier letter colon', 'prod\uA789db'],
    ['a letter that reads as a colon', 'prod\u02D0db'],
    ['a superscript digit', '1\u00B2'],
    ['a symbol', 'agent\u2192x'],
    ['a character that is none yet', 'agent\u0378'],
    ['forty tone marks', `\u0E01${'\u0E49'.repeat(40)}`],
  ])('B06, B07: an identifier with %s is unsafe', (_, id) => {
    const agent = { id, key_thumbprint: digest('11') };
    const executor = { id, audience: 'local', descriptor_digest: digest('44') };
    const audience = { id: 'local', audience: id, descriptor_digest: digest('44') };
    const chain = [{ sub: id, kind: 'person' }];
    for (const change of [
      { agent },
      { executor },
      { executor: audience },
      { acting_for: chain },
      { tenant: id },
    ]) {
      expect(codeOf(() => action({ ...COMMAND, ...change }))).toBe('UNSAFE_TEXT');
    }
  });

  test.each([
    'ก็่ข้',
    'हिन्दी',
    '二〇二六',
    '١٢',
    'агент',
    'エージェント-1',
    'agent:é',
    'spiffe://example/agent/42',
  ])('takes %s as an identifier', (id) => {
    const agent = { id, key_thumbprint: digest('11') };
    expect(action({ ...COMMAND, agent }).envelope.agent.id).toBe(id);
  });

  test.each([
    ['a nonce of 126 bits', { nonce: 'A'.repeat(21) }],
    ['a nonce of 44 characters', { nonce: 'A'.repeat(44) }],
    ['no use', { max_uses: 0 }],
    ['101 uses', { max_uses: 101 }],
    ['30 February', { not_after: '2026-02-30T00:00:00.000Z' }],
    ['a local time', { not_after: '2026-11-22T16:30:00.000+01:00' }],
    ['another version', { v: 'countersign.action.v2' }],
    ['an upper-case type', { type: 'Generic.command' }],
    ['a digest in capitals', { parent_digest: digest('AB') }],
    ['a lower-case id', { action_id: '01jda5c8000000000000000001' }],
    ['a bare principal', { acting_for: [{ sub: 'x' }] }],
    ['params that are an array', { params: [] }],
  ])('refuses %s', (_, change) => {
    expect(codeOf(() => action({ ...COMMAND, ...change }))).toBe('SCHEMA_INVALID');
  });

  test('refuses a chain of five principals, and nine preconditions', () => {
    const chain = Array.from({ length: 5 }, () => ({ sub: 'a', kind: 'person' }));
    const preconditions = Array.from({ length: 9 }, () => ({ name: 'a', digest: digest('55') }));
    expect(codeOf(() => action({ ...COMMAND, acting_for: chain }))).toBe('LIMIT_EXCEEDED');
    expect(codeOf(() => action({ ...COMMAND, preconditions }))).toBe('LIMIT_EXCEEDED');
  });

  test('takes 32 KiB and not one byte more', () => {
    const sized = (size: number): Uint8Array =>
      canonicalBytes({ ...COMMAND, params: { filler: 'x'.repeat(size) } });
    const spare = 32_768 - sized(0).length;
    expect(codeOf(() => parseAction(sized(spare)))).toBe('accepted');
    expect(codeOf(() => parseAction(sized(spare + 1)))).toBe('LIMIT_EXCEEDED');
  });

  test('refuses bytes that are not canonical, and what is no JSON of the profile', () => {
    const text = canonicalText(COMMAND);
    expect(codeOf(() => parseAction(utf8(` ${text}`)))).toBe('NOT_CANONICAL');
    expect(codeOf(() => parseAction(utf8(text.replace('"max_uses":1', '"max_uses":1.0'))))).toBe(
      'NUMBER_OUT_OF_PROFILE',
    );
    expect(codeOf(() => parseAction(utf8(text.replace('{', '{"v":"x",'))))).toBe('DUPLICATE_KEY');
  });
});
