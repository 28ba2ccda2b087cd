import fc from 'fast-check';
import { canonicalText, type Json } from '@countersign/canonical';
import { describe, expect, it } from 'vitest';
import { policyDifference, type CedarPolicy, type TypePolicy } from '@countersign/binding';
import { testPerson } from './test-members.ts';

const [alice, bob, carol] = [testPerson().id, testPerson().id, testPerson().id];

const TERMS = {
  id: 'usual',
  approvals: 2,
  approvers: 'any',
  proof_classes: ['uv'],
  rationale: 'required',
  decide_within_s: 900,
  use_within_s: 900,
  start_within_s: 60,
  max_uses: 1,
} as const;

const RULE = { ...TERMS, types: ['generic.command', 'key.rotate'] };

function policyOf(...rules: readonly Partial<TypePolicy['rules'][number]>[]): TypePolicy {
  return { v: 'countersign.policy.v1', rules: rules.map((rule) => ({ ...RULE, ...rule })) };
}

function cedarOf(cedar: string, groups: CedarPolicy['groups'] = {}): CedarPolicy {
  return { v: 'countersign.policy.v3', cedar, groups, rules: [TERMS] };
}

describe('what another policy changes', () => {
  it('is nothing where it is the same', () => {
    expect(policyDifference(policyOf({}), policyOf({}))).toEqual([]);
  });

  it('is told of a rule member by member, before and after', () => {
    const before = policyOf({});
    const after = policyOf({
      approvals: 1,
      types: ['generic.command', 'payment.transfer'],
      device_bound: true,
    });
    expect(policyDifference(before, after)).toEqual([
      { at: 'rule usual: approvals', before: '2', after: '1' },
      { at: 'rule usual: types', before: 'key.rotate' },
      { at: 'rule usual: types', after: 'payment.transfer' },
      { at: 'rule usual: device_bound', after: 'true' },
    ]);
  });

  it('is told of a rule that only one of both has, and of their order', () => {
    const three = policyOf({}, { id: 'more' }, { id: 'last' });
    const [added, ...none] = policyDifference(policyOf({}, { id: 'last' }), three);
    expect([added?.at, added?.before, none]).toEqual(['rule more', undefined, []]);
    expect(JSON.parse(added?.after ?? '')).toMatchObject({ approvals: 2 });
    const turned = policyDifference(three, policyOf({ id: 'last' }, {}));
    expect(turned).toEqual([
      { at: 'rule more', before: added?.after },
      { at: 'order of the rules', before: 'usual, last', after: 'last, usual' },
    ]);
  });

  it('is told of what follows a comment behind a carriage return, where Cedar has it in force', () => {
    const permit = 'permit (principal, action, resource);';
    const told = policyDifference(cedarOf('// one\n'), cedarOf(`// one\r${permit}\n`));
    expect(told).toEqual([
      { at: 'Cedar, line 1 before', before: '// one' },
      { at: 'Cedar, line 1', after: '// one\r' },
      { at: 'Cedar, line 2', after: permit },
    ]);
  });

  it('is told of a rule and a group that are called as what every object inherits', () => {
    const id = 'constructor';
    const told = policyDifference(policyOf({}), policyOf({}, { id }));
    expect(told.map(({ at }) => at)).toContain(`rule ${id}`);
    const groups = policyDifference(cedarOf(''), cedarOf('', { [id]: [alice] }));
    expect(groups).toEqual([{ at: `group ${id}`, after: `["${alice}"]` }]);
  });

  it('is told of groups person by person, and of Cedar line by line', () => {
    const permit = 'permit (principal, action, resource);';
    const before = cedarOf(`// one\n@rule("usual")\n${permit}\n`, { duty: [alice, bob] });
    const after = cedarOf(`// one\n@rule("usual")\nforbid\n${permit}\n`, {
      duty: [alice, carol],
      leads: [bob],
    });
    expect(policyDifference(before, after)).toEqual([
      { at: 'group duty', before: bob },
      { at: 'group duty', after: carol },
      { at: 'group leads', after: canonicalText([bob]) },
      { at: 'Cedar, line 3', after: 'forbid' },
    ]);
    expect(policyDifference(after, before)).toContainEqual({
      at: 'Cedar, line 3 before',
      before: 'forbid',
    });
  });

  it('says how much of Cedar differs where it is too much to compare', () => {
    const [some, more] = ['a', 'b'].map((each) => cedarOf(`\n${`${each}\n`.repeat(800)}`));
    expect(policyDifference(some ?? cedarOf(''), more ?? cedarOf(''))).toEqual([
      { at: 'Cedar', before: '800 lines from line 2 on', after: '800 lines from line 2 on' },
    ]);
  });

  it('is something exactly where the policies differ', () => {
    const rule = fc.record({
      id: fc.constantFrom('a', 'b', 'c'),
      approvals: fc.constantFrom(1, 2),
      types: fc.subarray(['generic.command', 'key.rotate', 'secret.access'], { minLength: 1 }),
    });
    const rules = fc.uniqueArray(rule, { maxLength: 3, selector: ({ id }) => id });
    const policies = fc.oneof(
      rules.map((each) => policyOf(...each)),
      fc
        .array(fc.constantFrom('a', 'b', ''), { maxLength: 4 })
        .map((lines) => cedarOf(lines.join('\n'), { duty: lines })),
    );
    fc.assert(
      fc.property(policies, policies, (before, after) => {
        const isSame = textOf(before) === textOf(after);
        expect(policyDifference(before, after).length === 0).toBe(isSame);
      }),
    );
  });
});

function textOf(policy: TypePolicy | CedarPolicy): string {
  return canonicalText(policy as unknown as Json);
}
