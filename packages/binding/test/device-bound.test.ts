import { DECISION_NAMESPACE, decisionMessage, sshKeyChange } from '@countersign/binding';
import { SoftwareSshKey } from '@countersign/software-passkey';
import { describe, expect, it } from 'vitest';
import { decisionBytes, policyOf } from './test-documents.ts';
import { TestLedger, type TestLedgerOptions } from './test-ledger.ts';
import { testPerson, type TestPerson } from './test-members.ts';

const KEPT = { policy: policyOf(1, { device_bound: true }) };
const REFUSED = { status: 'refused', code: 'AUTHENTICATOR_CLASS' };
/** UP, UV, BE, and BS with it. */
const SYNCED = { flags: 0x1d };
const ELIGIBLE = { flags: 0x0d };

/** As somebody whose passkey may be synced, by what it said at its enrolment. */
function syncedPerson(): TestPerson {
  const person = testPerson();
  const members = person.members.map((member) =>
    member.kind === 'credential' && !('proof' in member)
      ? { ...member, backup_eligible: true }
      : member,
  );
  return { ...person, members };
}

function withAlice(alice: TestPerson, more: TestLedgerOptions = KEPT): TestLedger {
  return new TestLedger({ ...more, people: { owner: testPerson(), alice, bob: testPerson() } });
}

describe('a rule that wants keys that stay in their device', () => {
  it('is frozen into the admission and the binding, and binds by such a passkey', async () => {
    const ledger = new TestLedger(KEPT);
    const { admission, binding } = await ledger.bound();
    expect(admission.entry.requirement).toMatchObject({ device_bound: true });
    expect(binding.entry).toMatchObject({ requirement: { device_bound: true } });
  });

  it.each([
    ['is synced', SYNCED],
    ['may be synced', ELIGIBLE],
  ])(
    'D08: refuses the right assertion of a passkey that %s: AUTHENTICATOR_CLASS',
    async (_, assertion) => {
      const ledger = new TestLedger(KEPT);
      const asked = await ledger.request();
      for (const verdict of ['approve', 'deny'] as const) {
        expect(await ledger.decide(ledger.alice, asked, { verdict, assertion })).toEqual(REFUSED);
      }
      expect(ledger.last('decision-refused').entry).toMatchObject({
        code: 'AUTHENTICATOR_CLASS',
        person: ledger.alice.id,
      });
      expect(ledger.entries('binding-made')).toHaveLength(0);
      // The request stays open for a passkey that stays where it is.
      expect(await ledger.decide(ledger.alice, asked)).toEqual({ status: 'accepted' });
    },
  );

  it('D08: refuses a passkey that was enrolled as one that may be synced, whatever it says now', async () => {
    const ledger = withAlice(syncedPerson());
    const asked = await ledger.request();
    expect(await ledger.decide(ledger.alice, asked)).toEqual(REFUSED);
    expect(await ledger.decide(ledger.alice, asked, { assertion: SYNCED })).toEqual(REFUSED);
  });

  it('D08: a synced passkey still stops what is bound, and decides where the rule does not mind', async () => {
    const ledger = withAlice(syncedPerson());
    const asked = await ledger.request();
    const revoked = await ledger.decide(ledger.alice, asked, {
      verdict: 'revoke',
      assertion: SYNCED,
    });
    expect(revoked).toEqual({ status: 'accepted' });
    const lax = withAlice(syncedPerson(), {});
    const other = await lax.request();
    expect(await lax.decide(lax.alice, other, { assertion: SYNCED })).toEqual({
      status: 'accepted',
    });
  });

  it.each([
    ['sk-ssh-ed25519@openssh.com', { status: 'accepted' }],
    ['ssh-ed25519', { status: 'refused', code: 'PROOF_CLASS' }],
  ] as const)('D08: a terminal with %s: %j', async (type, outcome) => {
    const ledger = new TestLedger(KEPT);
    const key = new SoftwareSshKey(type);
    const { credential_id: credential, public_key } = key.credentialKey;
    const change = { ...sshKeyChange(ledger.alice.id, key.publicKey, public_key) };
    await ledger.change(change);
    const asked = await ledger.request();
    const { statement, rationale } = ledger.statement(ledger.alice, asked, {
      statement: { credential },
    });
    const proof = key.proof(DECISION_NAMESPACE, decisionMessage(statement), {});
    const bytes = decisionBytes(statement, proof, rationale);
    expect(await ledger.submit('decision', bytes)).toEqual(outcome);
  });
});
