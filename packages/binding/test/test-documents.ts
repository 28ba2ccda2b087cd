import type { ApprovalRule, DecisionStatement, TypePolicy } from '@countersign/binding';
import { utf8, type JsonObject } from '@countersign/canonical';
import type { HumanProof } from '@countersign/human-proof';
import { formatVerifierKey } from '@countersign/tlog';
import { ed25519Key } from './test-keys.ts';

export const ORIGIN = 'countersign.local/01JD8Z0000000000000000TEST/0';
export const TENANT = 'acme';

export const COMMAND_PARAMS: JsonObject = {
  argv: ['restart', 'billing'],
  cwd: '/srv/billing',
  executable: { path: '/usr/bin/svc', digest: `sha256:${'11'.repeat(32)}` },
  env: [],
  secret_env: [],
  stdin: { kind: 'empty' },
  timeout_s: 60,
};

/** A rule of two for commands, in Cedar. */
export const QUORUM_RULE = {
  id: 'quorum',
  approvals: 2,
  approvers: 'any',
  proof_classes: ['uv'],
  rationale: 'optional',
  decide_within_s: 3_600,
  use_within_s: 900,
  start_within_s: 60,
  max_uses: 1,
} as const;

export const QUORUM_CEDAR = `@id("command") @rule("quorum")
permit (principal, action == Action::"ask", resource is generic::command_v1);
`;

/** The params of a payment. */
export function payment(amount: string, account: string = 'AT611904300234573201'): JsonObject {
  return {
    rail: 'sepa-sct',
    debtor_account: 'DE89370400440532013000',
    creditor: { name: 'Nordlicht GmbH', account, country: account.slice(0, 2) },
    amount: { amount, currency: 'EUR' },
    execution_date: '2026-11-20',
    charge_bearer: 'SLEV',
    policy_exception: {
      rule: 'ap.limit',
      policy_digest: `sha256:${'b3'.repeat(32)}`,
      reason_code: 'none',
    },
  };
}

export function policyOf(approvals: number, more: JsonObject = {}): TypePolicy {
  const rule = {
    id: 'default',
    types: ['generic.command'],
    approvals,
    approvers: 'any' as const,
    proof_classes: ['uv' as const],
    rationale: 'required' as const,
    decide_within_s: 900,
    use_within_s: 900,
    start_within_s: 60,
    max_uses: 1,
    ...more,
  };
  const isLax = (rule.proof_classes as readonly string[]).includes('possession');
  return { v: isLax ? 'countersign.policy.v2' : 'countersign.policy.v1', rules: [rule] };
}

export function decisionBytes(
  statement: DecisionStatement,
  proof: HumanProof | undefined,
  rationale: { text: string; salt: string },
): Uint8Array {
  return utf8(
    JSON.stringify({
      v: 'countersign.decision-made.v1',
      statement,
      ...(proof === undefined ? {} : { proof }),
      rationale,
    }),
  );
}

export const BOOTSTRAP: Omit<ApprovalRule, 'approvals'> = {
  id: 'bootstrap',
  approvers: 'any' as const,
  proof_classes: ['uv' as const],
  rationale: 'optional' as const,
  decide_within_s: 3_600,
  use_within_s: 3_600,
  start_within_s: 60,
  max_uses: 1,
};

export function testVkey(): string {
  const publicKey = Buffer.from(ed25519Key('log').publicKey, 'base64url');
  return formatVerifierKey({ name: ORIGIN, algorithm: 'ed25519', publicKey });
}
