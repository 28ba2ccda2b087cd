import { canonicalText, type Json, type JsonObject } from '@countersign/canonical';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BUILTIN_DESCRIPTORS, render, type Display } from '../src/index.ts';
import {
  action,
  builtin,
  codeOf,
  envelope,
  HOST_PARAMS,
  INSTANCE_PARAMS,
  PASSWORD_PARAMS,
  PAYMENT_PARAMS,
  ROTATION_PARAMS,
  SECRET_PARAMS,
  TOOL_PARAMS,
} from './example-action.ts';
import { otherValues, pathsOf, withChange, type Path } from './json-mutation.ts';

const EXAMPLES: readonly [type: string, params: JsonObject][] = [
  ['generic.tool_call', TOOL_PARAMS],
  ['key.rotate', ROTATION_PARAMS],
  ['key.rotate', PASSWORD_PARAMS],
  ['payment.transfer', PAYMENT_PARAMS],
  ['response.contain', INSTANCE_PARAMS],
  ['response.contain', HOST_PARAMS],
  ['secret.access', SECRET_PARAMS],
];

function show(type: string, params: JsonObject): Display {
  return render(builtin(type), action(envelope(type, params)));
}

/** The display of a change of one place, or undefined where it is refused. */
function shown(type: string, params: Json): Display | undefined {
  let display: Display | undefined;
  codeOf(() => {
    display = show(type, params as JsonObject);
  });
  return display;
}

function patternOf(path: Path): string {
  return `/params/${path.map((step) => (typeof step === 'number' ? '*' : step)).join('/')}`;
}

describe('the types that executors carry out', () => {
  test.each(EXAMPLES)('E02: no claim of %s changes a line of the facts', (type, params) => {
    const facts = canonicalText(show(type, params).lines as unknown as Json);
    const { fields } = builtin(type);
    let tried = 0;
    for (const path of pathsOf(params)) {
      if (fields.get(patternOf(path))?.class !== 'claimed') continue;
      const values: Json[] = [];
      withChange(params, path, (old) => {
        values.push(...otherValues(old), 'x', 'none');
        return old;
      });
      for (const value of values) {
        const display = shown(type, withChange(params, path, () => value) ?? null);
        if (display === undefined) continue;
        tried += 1;
        expect(canonicalText(display.lines as unknown as Json)).toBe(facts);
      }
    }
    expect(tried).toBeGreaterThan(3);
  });

  test('E01: the first lines say what a person has to know', () => {
    const first = (type: string, params: JsonObject): string[] =>
      show(type, params)
        .lines.slice(1, 4)
        .map(({ label, value }) => `${label}: ${value}`);
    expect(first('payment.transfer', PAYMENT_PARAMS)).toEqual([
      'Pay: 18 250.40 EUR (Euro)',
      'To: Nordlicht Werkzeugbau GmbH',
      'Account of the payee: AT61 1904 3002 3457 3201 (Austria)',
    ]);
    expect(first('response.contain', INSTANCE_PARAMS)).toEqual([
      'Cut off: HAM-ERP-02 (an instance of EC2)',
      'What is cut: every new connection, in and out, that the group sg-0ffffffffffffffff does not let through',
      'How it is undone: release-host on the same machine, back to the groups of before, in a request of its own; nothing is released by itself',
    ]);
    expect(first('secret.access', SECRET_PARAMS)[0]).toBe(
      'Read the secret: prod/billing/db (account 111122223333, eu-west-1)',
    );
  });

  test('E05: users who are not verified are warned of by name, and stand first', () => {
    const { warnings, claims } = show('key.rotate', ROTATION_PARAMS);
    expect(warnings.slice(1)).toEqual([
      'Not verified 1: an old notebook, last seen 2026-10-30T11:30:00.000Z (UTC)',
      'Not verified 2: the cron job on build-7, last seen 2026-11-20T02:00:00.000Z (UTC)',
    ]);
    expect(claims.map(({ label }) => label).slice(1, 4)).toEqual([
      'Not verified 1',
      'Not verified 2',
      'Verified 1',
    ]);
  });

  test('B03: an amount is shown with all of its digits, in groups of three', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 99_999_999_999n), (cents) => {
        const digits = String(cents).padStart(3, '0');
        const amount = `${digits.slice(0, -2)}.${digits.slice(-2)}`;
        const params = { ...PAYMENT_PARAMS, amount: { amount, currency: 'EUR' } };
        const [, line] = show('payment.transfer', params).lines;
        expect(line?.value).toMatch(/^[0-9]{1,3}(?: [0-9]{3})*\.[0-9]{2} EUR \(Euro\)$/);
        expect(line?.value.replaceAll(' ', '').startsWith(`${amount}EUR`)).toBe(true);
      }),
    );
  });

  test.each(EXAMPLES)('B12: %s has no place for more', (type, params) => {
    expect(codeOf(() => show(type, { ...params, urgent: true }))).toBe('UNKNOWN_MEMBER');
  });

  test('A10: no type takes a name that moves, a wildcard or a host name for a thing', () => {
    for (const [type, params, path] of [
      ['secret.access', SECRET_PARAMS, ['secret_version']],
      ['secret.access', SECRET_PARAMS, ['secret_ref']],
      ['secret.access', SECRET_PARAMS, ['consumer', 'workload_id']],
      ['key.rotate', ROTATION_PARAMS, ['key', 'user_arn']],
      ['key.rotate', ROTATION_PARAMS, ['key', 'access_key_id']],
      ['key.rotate', ROTATION_PARAMS, ['new_material', 'consumer']],
      ['key.rotate', PASSWORD_PARAMS, ['key', 'cluster_id']],
      ['response.contain', INSTANCE_PARAMS, ['target', 'id']],
      ['response.contain', INSTANCE_PARAMS, ['target', 'region']],
      ['generic.tool_call', TOOL_PARAMS, ['server', 'version']],
    ] as const) {
      for (const name of ['latest', 'AWSCURRENT', '*']) {
        const changed = withChange(params, path, () => name) as JsonObject;
        expect(codeOf(() => show(type, changed))).toBe('UNRESOLVED_REFERENCE');
      }
    }
  });

  test('each of them is undone only in part, or not at all', () => {
    const own = BUILTIN_DESCRIPTORS.filter(({ type }) => EXAMPLES.some(([name]) => name === type));
    expect(own.map(({ reversibility }) => reversibility)).toEqual([
      'irreversible',
      'irreversible',
      'irreversible',
      'externally-reversible',
      'externally-reversible',
    ]);
  });
});
