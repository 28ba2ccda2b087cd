import type { CedarPolicy } from '@countersign/binding';
import { describe, expect, it } from 'vitest';
import {
  decidersFor,
  subjectOf,
  verdictJson,
  verdictLines,
  verdictOf,
} from '../src/policy-case.ts';

const person = (last: number): string => `prs_01M83T4CM${'0'.repeat(16)}${last}`;

const policy: CedarPolicy = {
  v: 'countersign.policy.v3',
  cedar: `@id("command") @rule("three")
permit (principal, action == Action::"ask", resource is generic::command_v1);
`,
  groups: { treasury: [person(2), person(1)] },
  rules: [
    {
      id: 'three',
      approvals: 3,
      approvers: 'any',
      seats: [
        { approvers: { group: 'treasury' }, count: 1 },
        { approvers: [person(3)], count: 1 },
      ],
      ordered: true,
      window_s: 600,
      proof_classes: ['uv'],
      rationale: 'optional',
      decide_within_s: 900,
      use_within_s: 900,
      start_within_s: 60,
      max_uses: 1,
    },
  ],
};

const action = {
  type: 'generic.command',
  params: {
    argv: ['restart', 'billing'],
    cwd: '/srv/billing',
    executable: { path: '/usr/bin/svc', digest: `sha256:${'11'.repeat(32)}` },
    env: [],
    secret_env: [],
    stdin: { kind: 'empty' },
    timeout_s: 60,
  },
};

describe('what a policy asks of a quorum', () => {
  const subject = subjectOf(action, {});
  const verdict = verdictOf(policy, subject, decidersFor(policy, subject, {}));

  it('is told in words', () => {
    expect(verdictLines(verdict).slice(2, 7)).toEqual([
      'approvals 3, by any enrolled person',
      `          1 of ${person(1)}, ${person(2)}`,
      `          1 of ${person(3)}`,
      '          1 of all who may approve',
      '          in this order',
    ]);
    expect(verdictLines(verdict)[7]).toBe('          all of them within 10 minutes');
  });

  it('can be expected', () => {
    expect(verdictJson(verdict)).toMatchObject({ ordered: true, window_s: 600 });
  });
});
