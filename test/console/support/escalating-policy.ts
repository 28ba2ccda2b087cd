import type { Policy, TypePolicy } from '@countersign/binding';

/** Of these persons the second decides, and the third once nobody has for so many seconds. */
export function escalatingPolicy(
  [, first = '', second = '']: readonly string[],
  afterS: number,
  more: Partial<TypePolicy['rules'][number]> = {},
): Policy {
  return {
    v: 'countersign.policy.v1',
    rules: [
      {
        id: 'on-call',
        types: ['generic.command'],
        approvals: 1,
        approvers: [first],
        escalation: { after_s: afterS, approvers: [second] },
        proof_classes: ['uv'],
        rationale: 'optional',
        decide_within_s: 900,
        use_within_s: 900,
        start_within_s: 60,
        max_uses: 1,
        ...more,
      },
    ],
  };
}
