import { describe, expect, it } from 'vitest';
import {
  digestBytes,
  formatTimestamp,
  fromUtf8,
  utf8,
  type Digest,
  type JsonObject,
} from '@countersign/canonical';
import { decisionChallenge } from '@countersign/binding';
import { decisionBytes, policyOf } from './test-documents.ts';
import { TestLedger } from './test-ledger.ts';
import { START_MS, credentialOf, newPasskey, testAgent, testPerson } from './test-members.ts';

const OTHER_DIGEST: Digest = `sha256:${'22'.repeat(32)}`;

describe('a decision', () => {
  it('A05: swapped answers of two requests bind neither', async () => {
    const ledger = new TestLedger();
    const one = await ledger.request();
    const two = await ledger.request();
    for (const [asked, other] of [
      [one, two],
      [two, one],
    ] as const) {
      const statement = {
        admission: other.admission.leaf,
        action_digest: other.action.digest,
        display_digest: other.admission.entry.display_digest,
      };
      expect(await ledger.decide(ledger.alice, asked, { statement })).toEqual({
        status: 'refused',
        code: 'DECISION_REQUEST_MISMATCH',
      });
    }
    expect(ledger.entries('binding-made')).toHaveLength(0);
  });

  it('A05: the digest of another open action does not pass either', async () => {
    const ledger = new TestLedger();
    const one = await ledger.request();
    const two = await ledger.request();
    const statement = { action_digest: two.action.digest };
    expect(await ledger.decide(ledger.alice, one, { statement })).toMatchObject({
      code: 'DECISION_REQUEST_MISMATCH',
    });
  });

  it.each([
    ['C11', 'ADMISSION_MISMATCH', { admission: OTHER_DIGEST }],
    ['A01', 'ACTION_DIGEST_MISMATCH', { action_digest: OTHER_DIGEST }],
    ['E01', 'DISPLAY_MISMATCH', { display_digest: OTHER_DIGEST }],
    ['B14', 'TYPE_CONFUSION', { tenant: 'other' }],
    ['B14', 'TYPE_CONFUSION', { ledger: 'countersign.local/another' }],
    ['C06', 'EXPIRED', { not_after: formatTimestamp(START_MS - 1) }],
    ['G15', 'RATIONALE_MISMATCH', { rationale_digest: OTHER_DIGEST }],
  ])('%s: is refused with %s', async (_, code, statement) => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    expect(await ledger.decide(ledger.alice, asked, { statement })).toEqual({
      status: 'refused',
      code,
    });
    expect(ledger.last('decision-refused').entry).toMatchObject({ code, person: ledger.alice.id });
    expect(ledger.entries('binding-made')).toHaveLength(0);
  });

  it('C11: the admission of last week does not serve an identical request of today', async () => {
    const ledger = new TestLedger();
    const old = await ledger.bound();
    const approval = ledger.inputs.at(-1);
    ledger.nowMs += 7 * 86_400_000;
    const again = await ledger.request();
    expect(again.action.envelope.params).toEqual(old.action.envelope.params);
    // The old bytes again are the old answer; a statement that cites the old admission is refused.
    expect(await ledger.submit('decision', approval?.bytes ?? new Uint8Array())).toMatchObject({
      status: 'repeated',
    });
    const statement = { admission: old.admission.leaf };
    expect(await ledger.decide(ledger.alice, again, { statement })).toEqual({
      status: 'refused',
      code: 'ADMISSION_MISMATCH',
    });
    expect(ledger.entries('binding-made')).toHaveLength(1);
  });

  it('C03: delivered again, it makes one binding', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    const bytes = ledger.decisionFrame(ledger.alice, asked);
    expect(await ledger.submit('decision', bytes)).toEqual({ status: 'accepted' });
    const { index } = ledger.last('decision-accepted');
    expect(await ledger.submit('decision', bytes)).toEqual({ status: 'repeated', index });
    ledger.nowMs += 1_200_000;
    expect(await ledger.submit('decision', bytes)).toEqual({ status: 'repeated', index });
    expect(ledger.entries('binding-made')).toHaveLength(1);
  });

  it('C04: before its request, it is held and joined when the request comes', async () => {
    const ahead = new TestLedger();
    const envelope = ahead.envelope();
    const asked = await ahead.request(envelope);
    const bytes = ahead.decisionFrame(ahead.alice, asked);
    // The second ledger is the same one: it folds the same founding entry.
    const twin = TestLedger.twinOf(ahead);
    expect(await twin.submit('decision', bytes)).toEqual({ status: 'held' });
    expect(await twin.submit('decision', bytes)).toEqual({ status: 'held' });
    expect(twin.state.held).toHaveLength(1);
    expect(twin.state.safeOffset(9)).toBe(1);
    await twin.submit('request', ahead.requestFrame(envelope));
    expect(twin.types.slice(1)).toEqual(['request-admitted', 'decision-accepted', 'binding-made']);
    expect(twin.state.held).toHaveLength(0);
    expect(twin.state.safeOffset(9)).toBe(9);
  });

  it('C04: held twice in other bytes, it is joined once, and both senders are answered', async () => {
    const ahead = new TestLedger();
    const envelope = ahead.envelope();
    const bytes = ahead.decisionFrame(ahead.alice, await ahead.request(envelope));
    const other = utf8(JSON.stringify(JSON.parse(fromUtf8(bytes)), undefined, 1));
    const twin = TestLedger.twinOf(ahead);
    for (const each of [bytes, other]) await twin.submit('decision', each);
    expect(twin.state.held).toHaveLength(2);
    const decided = await twin.decided('request', ahead.requestFrame(envelope));
    expect(decided).toMatchObject({
      outcome: { status: 'accepted' },
      held: [],
      dropped: [{ input: digestBytes('countersign/input/v1', other), code: 'ALREADY_DECIDED' }],
    });
  });

  it('C04: after the hold it is an orphan, and never joined to a later request with its id', async () => {
    const ahead = new TestLedger();
    const envelope = ahead.envelope();
    const asked = await ahead.request(envelope);
    const bytes = ahead.decisionFrame(ahead.alice, asked);
    const twin = TestLedger.twinOf(ahead);
    await twin.submit('decision', bytes);
    await twin.tick(60_000);
    expect(twin.entries('decision-refused')).toHaveLength(0);
    await twin.tick(1);
    expect(twin.last('decision-refused').entry.code).toBe('ORPHAN_DECISION');
    await twin.submit('request', ahead.requestFrame(envelope));
    expect(twin.entries('binding-made')).toHaveLength(0);
    expect(await twin.submit('decision', bytes)).toMatchObject({ status: 'repeated' });
  });

  it('C04: holds only so many, and gives up the oldest first', async () => {
    const ahead = new TestLedger();
    const twin = TestLedger.twinOf(ahead, { heldMax: 2 });
    for (let i = 0; i < 3; i += 1) {
      const asked = await ahead.request();
      expect(await twin.submit('decision', ahead.decisionFrame(ahead.alice, asked))).toEqual({
        status: 'held',
      });
    }
    expect(twin.state.held).toHaveLength(2);
    expect(twin.last('decision-refused').entry).toMatchObject({
      code: 'ORPHAN_DECISION',
      action_id: ahead.entries('request-admitted')[0]?.entry.action_id,
    });
  });

  it('D01: the requester cannot approve through a tool of their own', async () => {
    const person = testPerson();
    const tool = testAgent('own-tool', person.id, { person: person.id });
    const ledger = new TestLedger({ separation: 'solo', extra: [...person.members, tool.member] });
    const asked = await ledger.request(ledger.envelope({}, tool), tool);
    expect(await ledger.decide(person, asked)).toEqual({
      status: 'refused',
      code: 'SELF_APPROVAL',
    });
  });

  it('D02: the owner of the agent cannot approve, nor anybody in the chain, by whatever key', async () => {
    const passkey = newPasskey();
    const founder = new TestLedger();
    const ledger = TestLedger.twinOf(
      founder,
      {},
      { extra: [credentialOf(founder.owner.id, passkey)] },
    );
    const asked = await ledger.request(
      ledger.envelope({ acting_for: [{ sub: ledger.bob.id, kind: 'person' }] }),
    );
    for (const outcome of [
      await ledger.decide(ledger.owner, asked),
      await ledger.decide(ledger.owner, asked, { passkey }),
      await ledger.decide(ledger.bob, asked),
    ]) {
      expect(outcome).toEqual({ status: 'refused', code: 'OWNER_APPROVAL' });
    }
  });

  it.each(['role', 'machine'] as const)('D03: a %s never decides', async (personClass) => {
    const person = testPerson(personClass);
    const ledger = new TestLedger({ extra: person.members });
    const asked = await ledger.request();
    expect(await ledger.decide(person, asked)).toEqual({
      status: 'refused',
      code: 'NOT_A_NATURAL_PERSON',
    });
  });

  it('D04: one person with two keys fills one seat', async () => {
    const passkey = newPasskey();
    const founder = new TestLedger({ approvals: 2 });
    const ledger = TestLedger.twinOf(
      founder,
      {},
      { extra: [credentialOf(founder.alice.id, passkey)] },
    );
    const asked = await ledger.request();
    await ledger.decide(ledger.alice, asked);
    expect(await ledger.decide(ledger.alice, asked, { passkey })).toEqual({
      status: 'refused',
      code: 'DUPLICATE_HUMAN',
    });
    expect(await ledger.decide(ledger.alice, asked, { text: 'once more' })).toMatchObject({
      code: 'ALREADY_DECIDED',
    });
    expect(ledger.entries('binding-made')).toHaveLength(0);
  });

  it('D04: the same decision in other bytes fills no second seat', async () => {
    const ledger = new TestLedger({ approvals: 2 });
    const asked = await ledger.request();
    const bytes = ledger.decisionFrame(ledger.alice, asked);
    await ledger.submit('decision', bytes);
    const { index } = ledger.last('decision-accepted');
    const frame = JSON.parse(new TextDecoder().decode(bytes)) as JsonObject;
    const spaced = utf8(JSON.stringify(frame, undefined, 1));
    const reordered = utf8(JSON.stringify(Object.fromEntries(Object.entries(frame).reverse())));
    // The authenticator signs the same statement once more: another signature, not another person.
    const { statement, rationale } = ledger.statement(ledger.alice, asked);
    const proof = ledger.alice.passkey.assert(decisionChallenge(statement));
    const signedAgain = decisionBytes(statement, proof, rationale);
    for (const other of [spaced, reordered, signedAgain]) {
      expect(other).not.toEqual(bytes);
      const outcome = await ledger.submit('decision', other);
      expect([
        { status: 'repeated', index },
        { status: 'refused', code: 'ALREADY_DECIDED' },
      ]).toContainEqual(outcome);
    }
    expect(ledger.entries('decision-accepted')).toHaveLength(1);
    expect(ledger.entries('binding-made')).toHaveLength(0);
  });

  it('B11: a rationale, a proof or a frame beyond its limit leaves nothing in the log', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    const size = ledger.log.length;
    const { statement, rationale } = ledger.statement(ledger.alice, asked);
    const proof = ledger.alice.passkey.assert(decisionChallenge(statement));
    const long = { ...rationale, text: 'x'.repeat(2_001) };
    const heavy = { ...proof, client_data_json: 'A'.repeat(4_000) };
    const codes = [];
    for (const bytes of [
      decisionBytes(statement, proof, long),
      decisionBytes(statement, heavy, rationale),
      decisionBytes(statement, proof, { ...rationale, text: 'x'.repeat(200_000) }),
    ]) {
      const outcome = await ledger.submit('decision', bytes);
      codes.push([outcome.status, 'code' in outcome ? outcome.code : '']);
    }
    expect(codes).toEqual([
      ['quarantined', 'SCHEMA_INVALID'],
      ['quarantined', 'ASSERTION_INVALID'],
      ['quarantined', 'LIMIT_EXCEEDED'],
    ]);
    expect(ledger.log).toHaveLength(size);
  });

  it('D04: two persons cannot hold one key', () => {
    const ledger = new TestLedger();
    const { id, members } = testPerson();
    const shared = { ...credentialOf(id, ledger.alice.passkey), id: 'AAAA' };
    const extra = [...members.slice(0, 1), shared];
    expect(() => TestLedger.twinOf(ledger, {}, { extra })).toThrow(
      expect.objectContaining({ code: 'DUPLICATE_KEY' }) as Error,
    );
  });

  it('D06: without a proof, or with that of another person, nobody has decided', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    const { statement, rationale } = ledger.statement(ledger.alice, asked);
    expect(await ledger.submit('decision', decisionBytes(statement, undefined, rationale))).toEqual(
      { status: 'quarantined', code: 'NO_HUMAN_PROOF' },
    );
    // Bob signs with his own key a statement that names Alice.
    const outcome = await ledger.decide(ledger.alice, asked, { passkey: ledger.bob.passkey });
    expect(outcome).toEqual({ status: 'refused', code: 'NO_HUMAN_PROOF' });
    expect(ledger.last('decision-refused').entry.person).toBe(ledger.bob.id);
    expect(ledger.entries('binding-made')).toHaveLength(0);
  });

  it.each([
    ['challenge', { challenge: 'AAAA' }],
    ['rp-id', { rpId: 'example.com' }],
    ['origin', { origin: 'https://example.com' }],
    ['type', { type: 'webauthn.create' }],
    ['user-present', { flags: 0x04 }],
    ['signature', { signer: newPasskey() }],
  ])('D07: an assertion with a wrong %s is quarantined', async (why, assertion) => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    expect(await ledger.decide(ledger.alice, asked, { assertion })).toEqual({
      status: 'quarantined',
      code: 'ASSERTION_INVALID',
      why,
    });
    expect(ledger.entries('decision-refused')).toHaveLength(0);
  });

  it('D10: a credential that was revoked decides nothing, and is named', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    const bytes = ledger.decisionFrame(ledger.alice, asked);
    const credential_id = ledger.alice.passkey.credentialId;
    const gone = await ledger.request(
      ledger.changeEnvelope({ kind: 'credential-revoked', credential_id }),
    );
    await ledger.decide(ledger.bob, gone);
    expect(await ledger.submit('decision', bytes)).toEqual({
      status: 'refused',
      code: 'KEY_NOT_ENROLLED_AT_TIME',
    });
    expect(ledger.last('decision-refused').entry.person).toBe(ledger.alice.id);
    expect(ledger.entries('binding-made')).toHaveLength(1);
  });

  it('G15: a rationale other than the one that was signed is not kept', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    const { statement, rationale } = ledger.statement(ledger.alice, asked);
    const proof = ledger.alice.passkey.assert(decisionChallenge(statement));
    const other = { ...rationale, text: 'the board has agreed' };
    expect(await ledger.submit('decision', decisionBytes(statement, proof, other))).toEqual({
      status: 'refused',
      code: 'RATIONALE_MISMATCH',
    });
    expect(ledger.content.map(({ kind }) => kind)).toEqual(['action']);
  });

  it('D07: an unknown credential is quarantined', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    expect(await ledger.decide(ledger.alice, asked, { passkey: newPasskey() })).toMatchObject({
      status: 'quarantined',
      code: 'CREDENTIAL_UNKNOWN',
    });
  });

  it('refuses a proof class that the rule does not take', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    expect(await ledger.decide(ledger.alice, asked, { assertion: { flags: 0x01 } })).toEqual({
      status: 'refused',
      code: 'PROOF_CLASS',
    });
    const lax = new TestLedger({ policy: policyOf(1, { proof_classes: ['uv', 'up'] }) });
    const other = await lax.request();
    await lax.decide(lax.alice, other, { assertion: { flags: 0x01 } });
    expect(lax.last('binding-made').entry.decisions[0]?.proof_class).toBe('up');
  });

  it('asks for a rationale where the rule does', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    expect(await ledger.decide(ledger.alice, asked, { text: ' ' })).toMatchObject({
      code: 'RATIONALE_REQUIRED',
    });
    const lax = new TestLedger({ policy: policyOf(1, { rationale: 'optional' }) });
    expect(await lax.decide(lax.alice, await lax.request(), { text: '' })).toEqual({
      status: 'accepted',
    });
  });

  it('D11: judges eligibility by what was frozen, not by what comes later', async () => {
    const founder = new TestLedger();
    const policy = policyOf(1, { approvers: [founder.bob.id] });
    const ledger = TestLedger.twinOf(founder, {}, { policy });
    const asked = await ledger.request();
    expect(await ledger.decide(ledger.alice, asked)).toEqual({
      status: 'refused',
      code: 'NOT_ELIGIBLE',
    });
    const wider = { kind: 'policy-set', policy: policyOf(1) as never };
    await ledger.change(wider);
    expect(await ledger.decide(ledger.alice, asked, { text: 'now?' })).toMatchObject({
      code: 'NOT_ELIGIBLE',
    });
    expect(await ledger.decide(ledger.alice, await ledger.request())).toEqual({
      status: 'accepted',
    });
  });

  it('takes m of n, and binds with exactly the m that counted', async () => {
    const ledger = new TestLedger({ approvals: 2 });
    const asked = await ledger.request();
    await ledger.decide(ledger.alice, asked);
    expect(ledger.entries('binding-made')).toHaveLength(0);
    await ledger.decide(ledger.bob, asked);
    expect(ledger.last('binding-made').entry.decisions.map(({ person }) => person)).toEqual([
      ledger.alice.id,
      ledger.bob.id,
    ]);
  });

  it('ends with one denial, and records what comes after as late', async () => {
    const ledger = new TestLedger({ approvals: 2 });
    const asked = await ledger.request();
    await ledger.decide(ledger.alice, asked);
    await ledger.decide(ledger.bob, asked, { verdict: 'deny' });
    expect(ledger.last('request-denied').entry).toMatchObject({
      person: ledger.bob.id,
      decision: ledger.last('decision-accepted').leaf,
    });
    expect(await ledger.decide(ledger.alice, asked, { text: 'still yes' })).toEqual({
      status: 'refused',
      code: 'LATE_DECISION',
    });
  });

  it('does not count an approval whose own time is over', async () => {
    const ledger = new TestLedger({ approvals: 2 });
    const asked = await ledger.request();
    const statement = { not_after: formatTimestamp(ledger.nowMs + 60_000) };
    await ledger.decide(ledger.alice, asked, { statement });
    ledger.nowMs += 60_001;
    await ledger.decide(ledger.bob, asked);
    expect(ledger.entries('binding-made')).toHaveLength(0);
    await ledger.decide(ledger.alice, asked, { text: 'again' });
    expect(ledger.entries('binding-made')).toHaveLength(1);
  });

  it('never lives longer than the shortest of its decisions', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    const not_after = formatTimestamp(ledger.nowMs + 5_000);
    await ledger.decide(ledger.alice, asked, { statement: { not_after } });
    expect(ledger.last('binding-made').entry.use_by).toBe(not_after);
  });

  it('notes a signature counter that does not grow', async () => {
    const ledger = new TestLedger({ extra: [] });
    const passkey = ledger.alice.passkey;
    for (const counter of [5, 5]) {
      const asked = await ledger.request();
      const { statement, rationale } = ledger.statement(ledger.alice, asked);
      const proof = passkey.assert(decisionChallenge(statement), { counter });
      await ledger.submit('decision', decisionBytes(statement, proof, rationale));
    }
    expect(ledger.entries('finding-raised')).toHaveLength(1);
    expect(ledger.last('finding-raised').entry.finding).toBe('CLONE_SUSPECTED');
    expect(ledger.entries('binding-made')).toHaveLength(2);
  });
});
