import { confirmationDigest, type CedarPolicy, type ConfirmRule } from '@countersign/binding';
import type { Json } from '@countersign/canonical';
import { describe, expect, it } from 'vitest';
import { TestLedger } from './test-ledger.ts';

function policyOf(confirm: ConfirmRule, resource = 'resource is generic::command_v1'): CedarPolicy {
  return {
    v: 'countersign.policy.v3',
    cedar: `@id("command") @rule("typed")\npermit (principal, action == Action::"ask", ${resource});\n`,
    groups: {},
    rules: [
      {
        id: 'typed',
        approvals: 1,
        approvers: 'any',
        confirm,
        proof_classes: ['uv'],
        rationale: 'optional',
        decide_within_s: 900,
        use_within_s: 900,
        start_within_s: 60,
        max_uses: 1,
      },
    ],
  };
}

const CONFIRM = { field: '/cwd', last: 4 };
const NONCE = 'A'.repeat(22);
// Of /srv/billing.
const TYPED = confirmationDigest(NONCE, 'ling');

describe('a rule that has something typed', () => {
  it('freezes its digest, and takes an approval with it', async () => {
    const ledger = new TestLedger({ policy: policyOf(CONFIRM) });
    const asked = await ledger.request();
    expect(asked.admission.entry).toMatchObject({
      requirement: { confirm: CONFIRM },
      confirmation: TYPED,
    });
    const statement = { confirmation: TYPED };
    expect(await ledger.decide(ledger.alice, asked, { statement })).toEqual({ status: 'accepted' });
    expect(ledger.last('binding-made').entry).toMatchObject({ confirmation: TYPED });
  });

  it.each([
    ['nothing was typed', undefined, 'CONFIRMATION_REQUIRED'],
    ['something else was', confirmationDigest(NONCE, 'link'), 'CONFIRMATION_MISMATCH'],
    [
      'another nonce was taken',
      confirmationDigest('B'.repeat(21) + 'A', 'ling'),
      'CONFIRMATION_MISMATCH',
    ],
  ] as const)('E09: refuses an approval where %s: %s', async (_, confirmation, code) => {
    const ledger = new TestLedger({ policy: policyOf(CONFIRM) });
    const asked = await ledger.request();
    const statement = confirmation === undefined ? {} : { confirmation };
    const outcome = await ledger.decide(ledger.alice, asked, { statement });
    expect(outcome).toEqual({ status: 'refused', code });
    expect(ledger.types).not.toContain('binding-made');
  });

  it('takes a denial without', async () => {
    const ledger = new TestLedger({ policy: policyOf(CONFIRM) });
    const asked = await ledger.request();
    const denied = await ledger.decide(ledger.alice, asked, { verdict: 'deny' });
    expect(denied).toEqual({ status: 'accepted' });
  });

  it('refuses a confirmation that nobody asked for: CONFIRMATION_MISMATCH', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    const statement = { confirmation: TYPED };
    expect(await ledger.decide(ledger.alice, asked, { statement })).toEqual({
      status: 'refused',
      code: 'CONFIRMATION_MISMATCH',
    });
  });

  it('is NO_POLICY for an action whose field is too short to be typed', async () => {
    const ledger = new TestLedger({ policy: policyOf({ field: '/cwd', last: 16 }) });
    const frame = ledger.requestFrame(ledger.envelope());
    expect(await ledger.submit('request', frame)).toMatchObject({ code: 'NO_POLICY' });
  });

  it.each([
    ['is no field', { field: '/payee', last: 4 }, undefined],
    ['is no text', { field: '/timeout_s', last: 1 }, undefined],
    ['is a list', { field: '/argv', last: 1 }, undefined],
    ['is what the agent claims', { field: '/purpose', last: 4 }, undefined],
    ['not every type has', CONFIRM, 'resource'],
  ] as const)('E09: cannot be set for what %s: SCHEMA_INVALID', async (_, confirm, resource) => {
    const ledger = new TestLedger();
    const policy = policyOf(confirm, resource) as unknown as Json;
    const envelope = ledger.changeEnvelope({ kind: 'policy-set', policy });
    const outcome = await ledger.submit('request', ledger.requestFrame(envelope));
    expect(outcome).toMatchObject({ code: 'SCHEMA_INVALID' });
  });
});
