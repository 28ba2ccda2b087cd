import { enrolmentPayload, pendingRecoveries, type Outcome } from '@countersign/binding';
import { formatTimestamp, utf8, type JsonObject } from '@countersign/canonical';
import type { SoftwarePasskey } from '@countersign/software-passkey';
import { describe, expect, it } from 'vitest';
import { enrolmentOf } from './test-enrolment.ts';
import { invitationKey, type TestKey } from './test-keys.ts';
import { TestLedger, type Asked, type TestLedgerOptions } from './test-ledger.ts';
import { START_MS, credentialOf, newPasskey, testPerson, ulidAt } from './test-members.ts';

const DELAY_H = 72;
const DELAY_MS = DELAY_H * 3_600_000;
const WEEK_MS = 7 * 86_400_000;
const STRANGER = `prs_${ulidAt(START_MS, 998)}`;

/** Two of three are needed for a change, and two to recover. */
function recoverable(options: TestLedgerOptions = {}): TestLedger {
  return new TestLedger({
    bootstrapApprovals: 2,
    recovery: { quorum: 2, delay_h: DELAY_H },
    ...options,
  });
}

function start(person: string, key: TestKey, more: JsonObject = {}): JsonObject {
  return {
    kind: 'recovery-started',
    person,
    invitation: { id: key.thumbprint, public_key: key.publicKey },
    delay_h: DELAY_H,
    ...more,
  };
}

function cancel(person: string, { thumbprint }: TestKey): JsonObject {
  return { kind: 'recovery-cancelled', person, invitation: thumbprint };
}

async function codeOf(ledger: TestLedger, change: JsonObject): Promise<unknown> {
  const outcome = await ledger.submit(
    'request',
    ledger.requestFrame(ledger.changeEnvelope(change)),
  );
  return 'code' in outcome ? outcome.code : outcome.status;
}

/** Asked by the agent of the owner, and signed by the owner and Alice: Bob has lost his key. */
async function started(ledger: TestLedger, key: TestKey, person = ledger.bob.id): Promise<Asked> {
  const asked = await ledger.request(ledger.changeEnvelope(start(person, key)));
  await ledger.decide(ledger.owner, asked);
  expect(await ledger.decide(ledger.alice, asked)).toEqual({ status: 'accepted' });
  return asked;
}

function enrol(
  ledger: TestLedger,
  key: TestKey,
  of: { readonly person: string; readonly passkey: SoftwarePasskey },
): Promise<Outcome> {
  const statement = enrolmentOf(key, of);
  const signature = key.sign('enrolment', enrolmentPayload(statement));
  return ledger.submit('enrolment', utf8(JSON.stringify({ statement, signature })));
}

describe('a recovery', () => {
  it('D13: gives a person a new key once its delay is over, in the place of all that they had', async () => {
    const ledger = recoverable();
    const key = invitationKey();
    await started(ledger, key);
    const passkey = newPasskey();
    ledger.nowMs += DELAY_MS;
    expect(await enrol(ledger, key, { person: ledger.bob.id, passkey })).toEqual({
      status: 'accepted',
    });
    const { authority } = ledger.state;
    expect(authority.get('credential', passkey.credentialId)?.person).toBe(ledger.bob.id);
    expect(authority.has('credential', ledger.bob.passkey.credentialId)).toBe(false);
    expect(authority.retiredCredential(ledger.bob.passkey.credentialId)).toBeDefined();
    expect(pendingRecoveries(authority.ofKind('invitation'), ledger.nowMs)).toEqual([]);
    // And the new key fills the quorum that the old one cannot fill any more.
    const asked = await ledger.request(
      ledger.changeEnvelope({ kind: 'executor-revoked', id: 'build-1' }),
    );
    expect(await ledger.decide(ledger.bob, asked)).toMatchObject({
      code: 'KEY_NOT_ENROLLED_AT_TIME',
    });
    await ledger.decide(ledger.alice, asked);
    await ledger.decide(ledger.bob, asked, { passkey });
    expect(ledger.last('binding-made').entry.decisions).toHaveLength(2);
  });

  it('D13: is refused before its delay is over, to the millisecond, and after a week', async () => {
    const ledger = recoverable();
    const key = invitationKey();
    await started(ledger, key);
    const of = { person: ledger.bob.id, passkey: newPasskey() };
    const early = { status: 'quarantined', code: 'RECOVERY_NOT_DUE' };
    expect(await enrol(ledger, key, of)).toEqual(early);
    ledger.nowMs += DELAY_MS - 1;
    expect(await enrol(ledger, key, of)).toEqual(early);
    ledger.nowMs += 1 + WEEK_MS + 1;
    expect(await enrol(ledger, key, of)).toEqual({
      status: 'quarantined',
      code: 'INVITATION_INVALID',
    });
    expect(ledger.state.authority.has('credential', ledger.bob.passkey.credentialId)).toBe(true);
  });

  it('is alarmed at once, before its binding and its change, which ends the batch', async () => {
    const ledger = recoverable();
    const key = invitationKey();
    const asked = await ledger.request(ledger.changeEnvelope(start(ledger.bob.id, key)));
    await ledger.decide(ledger.owner, asked);
    expect(ledger.entries('finding-raised')).toEqual([]);
    await ledger.decide(ledger.alice, asked);
    expect(ledger.types.slice(-4)).toEqual([
      'decision-accepted',
      'finding-raised',
      'binding-made',
      'authority-changed',
    ]);
    expect(ledger.last('finding-raised').entry).toMatchObject({
      finding: 'RECOVERY_STARTED',
      about: {
        action_id: asked.admission.entry.action_id,
        person: ledger.bob.id,
        agent: 'deployer',
      },
    });
    expect(
      pendingRecoveries(ledger.state.authority.ofKind('invitation'), ledger.nowMs),
    ).toMatchObject([
      {
        person: ledger.bob.id,
        not_before: formatTimestamp(ledger.nowMs + DELAY_MS),
        not_after: formatTimestamp(ledger.nowMs + DELAY_MS + WEEK_MS),
      },
    ]);
  });

  it('D04: two credentials of one person count once, and fewer than the quorum bind nothing', async () => {
    const second = newPasskey();
    const people = { owner: testPerson(), alice: testPerson(), bob: testPerson() };
    const extra = [credentialOf(people.alice.id, second)];
    const ledger = recoverable({ people, extra });
    const key = invitationKey();
    const asked = await ledger.request(ledger.changeEnvelope(start(ledger.bob.id, key)));
    await ledger.decide(ledger.alice, asked);
    expect(await ledger.decide(ledger.alice, asked, { passkey: second })).toEqual({
      status: 'refused',
      code: 'DUPLICATE_HUMAN',
    });
    expect(ledger.entries('binding-made')).toEqual([]);
    expect(ledger.state.authority.has('invitation', key.thumbprint)).toBe(false);
    await ledger.tick(86_400_001);
    expect(ledger.last('request-expired').entry.action_id).toBe(asked.admission.entry.action_id);
  });

  it('D01: is not signed for by the person whom it is for', async () => {
    const ledger = recoverable();
    const asked = await ledger.request(
      ledger.changeEnvelope(start(ledger.bob.id, invitationKey())),
    );
    expect(await ledger.decide(ledger.bob, asked)).toEqual({
      status: 'refused',
      code: 'NOT_ELIGIBLE',
    });
  });

  it('wants persons who are verified, and leaves out nobody else: not the owner of who asks', async () => {
    const ledger = recoverable();
    const asked = await ledger.request(
      ledger.changeEnvelope(start(ledger.bob.id, invitationKey())),
    );
    expect(asked.admission.entry).toMatchObject({
      excluded: [],
      requirement: { rule: 'recovery', approvals: 2, proof_classes: ['uv'], approvers: 'any' },
    });
    expect(await ledger.decide(ledger.owner, asked, { assertion: { flags: 0x01 } })).toEqual({
      status: 'refused',
      code: 'PROOF_CLASS',
    });
    expect(await ledger.decide(ledger.owner, asked)).toEqual({ status: 'accepted' });
  });

  it('D13: a person cannot stop it alone, by saying no to it or to its cancellation', async () => {
    const ledger = recoverable();
    const key = invitationKey();
    const asked = await ledger.request(ledger.changeEnvelope(start(ledger.bob.id, key)));
    const no = { status: 'refused', code: 'NOT_DENIABLE' };
    expect(await ledger.decide(ledger.bob, asked, { verdict: 'deny' })).toEqual(no);
    expect(await ledger.decide(ledger.bob, asked, { verdict: 'revoke' })).toEqual(no);
    await ledger.decide(ledger.owner, asked);
    expect(await ledger.decide(ledger.alice, asked)).toEqual({ status: 'accepted' });
    expect(await ledger.decide(ledger.bob, asked, { verdict: 'revoke' })).toEqual(no);
    const stop = await ledger.request(ledger.changeEnvelope(cancel(ledger.bob.id, key)));
    expect(await ledger.decide(ledger.alice, stop, { verdict: 'deny' })).toEqual(no);
    expect(await ledger.decide(ledger.bob, stop)).toEqual({ status: 'accepted' });
    expect(ledger.state.authority.has('invitation', key.thumbprint)).toBe(true);
  });

  it('D13: what as many have cancelled stays dead, also once its delay is over', async () => {
    const ledger = recoverable();
    const key = invitationKey();
    await started(ledger, key);
    const stop = await ledger.request(ledger.changeEnvelope(cancel(ledger.bob.id, key)));
    expect(stop.admission.entry.requirement).toMatchObject({ rule: 'cancel', approvals: 2 });
    await ledger.decide(ledger.bob, stop);
    await ledger.decide(ledger.alice, stop);
    ledger.nowMs += DELAY_MS;
    expect(await enrol(ledger, key, { person: ledger.bob.id, passkey: newPasskey() })).toEqual({
      status: 'quarantined',
      code: 'INVITATION_INVALID',
    });
    expect(await codeOf(ledger, cancel(ledger.bob.id, key))).toBe('MEMBER_UNKNOWN');
    expect(ledger.state.authority.has('credential', ledger.bob.passkey.credentialId)).toBe(true);
  });

  it('is cancelled by as many as the bootstrap rule needs, where a recovery needs more', async () => {
    const ledger = recoverable({
      bootstrapApprovals: 1,
      recovery: { quorum: 2, delay_h: DELAY_H },
    });
    const key = invitationKey();
    await started(ledger, key);
    const stop = await ledger.request(ledger.changeEnvelope(cancel(ledger.bob.id, key)));
    expect(stop.admission.entry.requirement.approvals).toBe(1);
    await ledger.decide(ledger.owner, stop);
    expect(ledger.state.authority.has('invitation', key.thumbprint)).toBe(false);
  });

  it('F10: is started, cancelled and used while the ledger is frozen', async () => {
    const ledger = recoverable();
    const freeze = await ledger.request(ledger.changeEnvelope({ kind: 'frozen' }));
    await ledger.decide(ledger.alice, freeze);
    const key = invitationKey();
    await started(ledger, key);
    const stop = await ledger.request(ledger.changeEnvelope(cancel(ledger.bob.id, key)));
    await ledger.decide(ledger.bob, stop);
    await ledger.decide(ledger.alice, stop);
    const again = invitationKey();
    await started(ledger, again);
    ledger.nowMs += DELAY_MS;
    const passkey = newPasskey();
    expect(await enrol(ledger, again, { person: ledger.bob.id, passkey })).toEqual({
      status: 'accepted',
    });
    const thaw = await ledger.request(ledger.changeEnvelope({ kind: 'thawed', epoch: 1 }));
    await ledger.decide(ledger.alice, thaw);
    expect(await ledger.decide(ledger.bob, thaw, { passkey })).toEqual({ status: 'accepted' });
  });

  it('lets somebody in who was not there, and makes a natural person of no role', async () => {
    const role = testPerson('role');
    const ledger = recoverable({ extra: role.members });
    expect(await codeOf(ledger, start(role.id, invitationKey()))).toBe('MEMBER_EXISTS');
    const key = invitationKey();
    await started(ledger, key, STRANGER);
    expect(ledger.state.authority.get('person', STRANGER)?.class).toBe('natural');
    ledger.nowMs += DELAY_MS;
    expect(await enrol(ledger, key, { person: STRANGER, passkey: newPasskey() })).toEqual({
      status: 'accepted',
    });
  });

  it('is one at a time for a person, with the delay of the founding, and bounded in number', async () => {
    const ledger = recoverable();
    const shorter = start(ledger.bob.id, invitationKey(), { delay_h: 1 });
    expect(await codeOf(ledger, shorter)).toBe('SCHEMA_INVALID');
    await started(ledger, invitationKey());
    expect(await codeOf(ledger, start(ledger.bob.id, invitationKey()))).toBe('MEMBER_EXISTS');
    for (let serial = 1; serial < 16; serial += 1) {
      await started(ledger, invitationKey(), `prs_${ulidAt(START_MS, 500 + serial)}`);
    }
    expect(await codeOf(ledger, start(STRANGER, invitationKey()))).toBe('LIMIT_EXCEEDED');
    // Those that nobody used are over then.
    ledger.nowMs += DELAY_MS + WEEK_MS + 1;
    expect(await codeOf(ledger, start(ledger.bob.id, invitationKey()))).toBe('accepted');
  });

  it('ends what the old keys have approved and nobody has used', async () => {
    const ledger = recoverable();
    const key = invitationKey();
    await started(ledger, key, ledger.bob.id);
    ledger.nowMs += DELAY_MS;
    const asked = await ledger.request();
    await ledger.decide(ledger.bob, asked);
    const claim = ledger.useClaim({ ...asked, binding: ledger.last('binding-made') });
    await enrol(ledger, key, { person: ledger.bob.id, passkey: newPasskey() });
    expect(await ledger.use(claim)).toEqual({ status: 'refused', code: 'APPROVER_REVOKED' });
  });

  it('F03: is signed for by no other type, and by the rule of the founding alone', async () => {
    const ledger = recoverable();
    const change = start(ledger.bob.id, invitationKey());
    const envelope = ledger.changeEnvelope({ kind: 'agent-revoked', id: 'janitor' });
    const frame = ledger.requestFrame({ ...envelope, params: { change } });
    expect(await ledger.submit('request', frame)).toMatchObject({ status: 'refused' });
    const asRecovery = ledger.changeEnvelope(change);
    const other = { kind: 'agent-revoked', id: 'janitor' };
    const posing = ledger.requestFrame({ ...asRecovery, params: { change: other } });
    expect(await ledger.submit('request', posing)).toMatchObject({ status: 'refused' });
  });

  it('is nothing that a ledger has which was founded without a delay, nor a founder', async () => {
    const ledger = new TestLedger({ bootstrapApprovals: 2 });
    expect(ledger.founding().recovery).toEqual({ quorum: 2 });
    expect(await codeOf(ledger, start(ledger.bob.id, invitationKey()))).toBe('NO_POLICY');
    expect(await codeOf(ledger, cancel(ledger.bob.id, invitationKey()))).toBe('NO_POLICY');
    const key = invitationKey();
    const member = {
      kind: 'invitation',
      id: key.thumbprint,
      person: ledger.bob.id,
      public_key: key.publicKey,
      not_before: formatTimestamp(START_MS),
      not_after: formatTimestamp(START_MS + WEEK_MS),
    } as const;
    expect(() => recoverable({ people: ledger, extra: [member] })).toThrow(
      expect.objectContaining({ code: 'SCHEMA_INVALID' }) as Error,
    );
  });

  it('is in the state that a snapshot keeps', async () => {
    const ledger = recoverable({ limits: { stateCommitEvery: 1 } });
    await started(ledger, invitationKey());
    const parts = ledger.state.takeCommitted()?.parts;
    expect(parts?.members).toContainEqual(
      expect.objectContaining({ kind: 'ledger', recovery: { quorum: 2, delay_h: DELAY_H } }),
    );
    expect(parts?.members.some((each) => 'not_before' in each)).toBe(true);
  });
});

describe('a change that would lock everybody out', () => {
  it('D13: counts nobody whose recovery is not due: it may yet be cancelled', async () => {
    const ledger = recoverable();
    const key = invitationKey();
    await started(ledger, key);
    const revoke = {
      kind: 'credential-revoked',
      credential_id: ledger.bob.passkey.credentialId,
    };
    // Owner and Alice would be left for the two that are needed, of whom the owner may not approve for their agent.
    await ledger.change({ kind: 'agent-revoked', id: 'janitor' });
    expect(await codeOf(ledger, revoke)).toBe('WOULD_LOCK_OUT');
    ledger.nowMs += DELAY_MS;
    expect(await codeOf(ledger, revoke)).toBe('accepted');
  });

  it('D13: leaves enough persons for a recovery where the bootstrap rule is lost already', async () => {
    const revoke = ({ alice }: TestLedger): JsonObject => ({
      kind: 'credential-revoked',
      credential_id: alice.passkey.credentialId,
    });
    // Four are needed for a change, and there are three: all of them can still recover.
    const recovery = { quorum: 3, delay_h: DELAY_H };
    const lost = recoverable({ bootstrapApprovals: 4, recovery });
    expect(await codeOf(lost, revoke(lost))).toBe('WOULD_LOCK_OUT');
    const agents = recoverable({ bootstrapApprovals: 4, recovery, people: lost });
    expect(await codeOf(agents, { kind: 'agent-revoked', id: 'janitor' })).toBe('accepted');
    const fewer = recoverable({ bootstrapApprovals: 4, people: lost });
    expect(await codeOf(fewer, revoke(fewer))).toBe('accepted');
    // Without a recovery nothing was left to lose.
    const none = new TestLedger({ bootstrapApprovals: 4 });
    expect(await codeOf(none, revoke(none))).toBe('accepted');
  });
});
