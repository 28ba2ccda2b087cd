import { describe, expect, it } from 'vitest';
import { canonicalBytes, formatTimestamp, utf8 } from '@countersign/canonical';
import { frame } from './test-keys.ts';
import { COMMAND_PARAMS, policyOf } from './test-documents.ts';
import { TestLedger } from './test-ledger.ts';
import { START_MS, testAgent, testPerson, ulidAt } from './test-members.ts';

describe('a request', () => {
  it('is admitted, decided and bound', async () => {
    const ledger = new TestLedger();
    const bound = await ledger.bound();
    expect(ledger.types).toEqual([
      'ledger-founded',
      'request-admitted',
      'decision-accepted',
      'binding-made',
    ]);
    expect(bound.binding.entry.decisions.map(({ person }) => person)).toEqual([ledger.alice.id]);
    expect(bound.binding.entry.admission).toBe(bound.admission.leaf);
    expect(bound.binding.entry.decisions[0]?.leaf).toBe(ledger.last('decision-accepted').leaf);
    expect(ledger.content.map(({ kind }) => kind)).toEqual(['action', 'rationale']);
  });

  it('A06: a second action under a used id is a conflict, and the open request stays', async () => {
    const ledger = new TestLedger();
    const first = await ledger.request();
    const { action_id } = first.action.envelope;
    const second = ledger.envelope({ action_id, params: { ...COMMAND_PARAMS, cwd: '/srv/other' } });
    expect(await ledger.submit('request', ledger.requestFrame(second))).toEqual({
      status: 'refused',
      code: 'REQUEST_ID_REUSED',
    });
    expect(ledger.last('request-refused').entry.code).toBe('REQUEST_ID_REUSED');
    expect(ledger.state.action(action_id)?.actionDigest).toBe(first.action.digest);
    const byAnother = ledger.envelope({ action_id }, ledger.other);
    expect(
      await ledger.submit('request', ledger.requestFrame(byAnother, ledger.other)),
    ).toMatchObject({ code: 'REQUEST_ID_REUSED' });
  });

  it('C03: the same request again is answered with the entry that it already has', async () => {
    const ledger = new TestLedger();
    const envelope = ledger.envelope();
    const { admission } = await ledger.request(envelope);
    const again = { status: 'repeated', index: admission.index };
    expect(await ledger.submit('request', ledger.requestFrame(envelope))).toEqual(again);
    ledger.nowMs += 3_600_000;
    const before = ledger.entries('request-admitted').length;
    expect(await ledger.submit('request', ledger.requestFrame(envelope))).toEqual(again);
    expect(ledger.entries('request-admitted')).toHaveLength(before);
  });

  it('A08: an edited action supersedes its open parent, whose approvals do not carry over', async () => {
    const ledger = new TestLedger({ approvals: 2 });
    const parent = await ledger.request();
    await ledger.decide(ledger.alice, parent);
    const edit = ledger.envelope({
      parent_digest: parent.action.digest,
      params: { ...COMMAND_PARAMS, argv: ['restart', 'billing', '--dry-run'] },
    });
    const child = await ledger.request(edit);
    expect(child.admission.entry.supersedes).toBe(parent.action.envelope.action_id);
    expect(await ledger.decide(ledger.bob, parent)).toEqual({
      status: 'refused',
      code: 'SUPERSEDED',
    });
    await ledger.decide(ledger.bob, child);
    expect(ledger.entries('binding-made')).toHaveLength(0);
    await ledger.decide(ledger.alice, child);
    expect(ledger.last('binding-made').entry.action_id).toBe(child.action.envelope.action_id);
  });

  it("A08: another owner's agent cannot supersede a request", async () => {
    const ledger = new TestLedger();
    const parent = await ledger.request();
    const edit = ledger.envelope({ parent_digest: parent.action.digest }, ledger.other);
    const child = await ledger.request(edit, ledger.other);
    expect(child.admission.entry.supersedes).toBeUndefined();
    expect(ledger.state.action(parent.action.envelope.action_id)?.status).toBe('pending');
  });

  it('A10: a reference that can be re-pointed is refused when asked', async () => {
    const ledger = new TestLedger();
    const params = { ...COMMAND_PARAMS, cwd: '/srv/../etc' };
    const outcome = await ledger.submit(
      'request',
      ledger.requestFrame(ledger.envelope({ params })),
    );
    expect(outcome).toEqual({ status: 'refused', code: 'UNRESOLVED_REFERENCE' });
  });

  it('B12: an unknown member of the params is refused', async () => {
    const ledger = new TestLedger();
    const params = { ...COMMAND_PARAMS, urgent: true };
    const outcome = await ledger.submit(
      'request',
      ledger.requestFrame(ledger.envelope({ params })),
    );
    expect(outcome).toEqual({ status: 'refused', code: 'UNKNOWN_MEMBER' });
  });

  it('E04: a type that cannot be shown, or that no policy names, cannot be asked for', async () => {
    const ledger = new TestLedger();
    const unknown = ledger.envelope({ type: 'payment.transfer' });
    expect(await ledger.submit('request', ledger.requestFrame(unknown))).toMatchObject({
      code: 'NO_POLICY',
    });
    const ruleless = ledger.envelope({ type: 'iam.policy.change' });
    expect(await ledger.submit('request', ledger.requestFrame(ruleless))).toMatchObject({
      code: 'NO_POLICY',
    });
  });

  it('tells an agent that its signed bytes are no action, without an id', async () => {
    const ledger = new TestLedger();
    const junk = frame(ledger.agent.key, 'request', utf8('{"v":1,"v":2}'));
    expect(await ledger.submit('request', junk)).toEqual({
      status: 'refused',
      code: 'DUPLICATE_KEY',
    });
    expect(ledger.last('request-refused').entry.action_id).toBeUndefined();
  });

  it('B14: bytes of one kind of input are nothing as another kind, whoever signed them', async () => {
    const ledger = new TestLedger();
    const bound = await ledger.bound();
    const claim = ledger.useClaim(bound);
    await ledger.use(claim);
    await ledger.submitReport(ledger.report(claim));
    await ledger.erase(bound.action.envelope.action_id);
    const kinds = ['request', 'decision', 'use', 'report', 'erasure', 'enrolment'] as const;
    const size = ledger.log.length;
    for (const { kind: own, bytes } of [...ledger.inputs]) {
      for (const kind of kinds.filter((each) => each !== own)) {
        const outcome = await ledger.submit(kind, bytes);
        expect([own, kind, outcome.status]).toEqual([own, kind, 'quarantined']);
      }
    }
    expect(ledger.log).toHaveLength(size);
  });

  it('quarantines what nobody known has signed', async () => {
    const ledger = new TestLedger();
    const stranger = testAgent('stranger', ledger.owner.id);
    const strange = ledger.requestFrame(ledger.envelope({}, stranger), stranger);
    expect(await ledger.submit('request', strange)).toEqual({
      status: 'quarantined',
      code: 'AGENT_UNKNOWN',
    });
    const forged = frame(
      { ...ledger.agent.key, sign: stranger.key.sign },
      'request',
      canonicalBytes(ledger.envelope()),
    );
    expect(await ledger.submit('request', forged)).toMatchObject({ code: 'SIGNATURE_INVALID' });
    expect(ledger.log).toHaveLength(1);
  });

  it('B14: a signature for another kind of object does not count', async () => {
    const ledger = new TestLedger();
    const { key } = ledger.agent;
    const payload = canonicalBytes(ledger.envelope());
    const mixed = frame(
      { ...key, sign: (_, bytes) => key.sign('erasure', bytes) },
      'request',
      payload,
    );
    expect(await ledger.submit('request', mixed)).toMatchObject({ code: 'SIGNATURE_INVALID' });
  });

  it('F08: an agent asks in its own name only', async () => {
    const ledger = new TestLedger();
    const envelope = ledger.envelope({}, ledger.other);
    expect(await ledger.submit('request', ledger.requestFrame(envelope))).toMatchObject({
      code: 'AGENT_MISMATCH',
    });
  });

  it.each([
    ['TENANT_UNKNOWN', { tenant: 'other' }],
    ['EXPIRED', { not_after: formatTimestamp(START_MS) }],
    ['REQUEST_ID_EXPIRED', { action_id: ulidAt(START_MS - 31 * 86_400_000, 1) }],
    ['CLOCK_SKEW', { action_id: ulidAt(START_MS + 300_001, 1) }],
    [
      'EXECUTOR_UNKNOWN',
      {
        executor: {
          id: 'nobody',
          audience: 'host:build-1',
          descriptor_digest: `sha256:${'ab'.repeat(32)}`,
        },
      },
    ],
    [
      'EXECUTOR_MISMATCH',
      {
        executor: {
          id: 'build-1',
          audience: 'host:prod',
          descriptor_digest: `sha256:${'ab'.repeat(32)}`,
        },
      },
    ],
    [
      'EXECUTOR_DESCRIPTOR_MISMATCH',
      {
        executor: {
          id: 'build-1',
          audience: 'host:build-1',
          descriptor_digest: `sha256:${'cd'.repeat(32)}`,
        },
      },
    ],
  ])('is refused with %s', async (code, more) => {
    const ledger = new TestLedger();
    const outcome = await ledger.submit('request', ledger.requestFrame(ledger.envelope(more)));
    expect(outcome).toEqual({ status: 'refused', code });
    expect(ledger.last('request-refused').entry.code).toBe(code);
  });

  it('C08: refuses an id of the future, and takes one whose clock is exactly at the limit', async () => {
    const ledger = new TestLedger();
    for (const atMs of [START_MS + 300_001, Date.parse('2099-01-01T00:00:00.000Z')]) {
      const early = ledger.envelope({ action_id: ulidAt(atMs, 1) });
      expect(await ledger.submit('request', ledger.requestFrame(early))).toEqual({
        status: 'refused',
        code: 'CLOCK_SKEW',
      });
    }
    expect(ledger.entries('request-refused')).toHaveLength(2);
    await ledger.request(ledger.envelope({ action_id: ulidAt(START_MS + 300_000, 1) }));
    expect(ledger.last('request-admitted').entry.action_id).toBe(ulidAt(START_MS + 300_000, 1));
  });

  it('bounds the open requests of an agent', async () => {
    const ledger = new TestLedger({ limits: { openPerAgentMax: 2 } });
    const first = await ledger.request();
    await ledger.request();
    expect(await ledger.submit('request', ledger.requestFrame(ledger.envelope()))).toMatchObject({
      code: 'TOO_MANY_OPEN',
    });
    await ledger.decide(ledger.alice, first, { verdict: 'deny' });
    await ledger.request();
    expect(ledger.entries('request-admitted')).toHaveLength(3);
  });

  it('H07: a flood of one agent ends at its quotas, and the request of another agent stands beside it', async () => {
    const ledger = new TestLedger();
    const outcomes = new Map<string, number>();
    const limits = { open: 200, refusals: 120, beyond: 5 };
    for (let at = 0; at < limits.open + limits.refusals + limits.beyond; at += 1) {
      const outcome = await ledger.submit('request', ledger.requestFrame(ledger.envelope()));
      const told = 'code' in outcome ? `${outcome.status} ${outcome.code}` : outcome.status;
      outcomes.set(told, (outcomes.get(told) ?? 0) + 1);
    }
    expect(Object.fromEntries(outcomes)).toEqual({
      accepted: limits.open,
      'refused TOO_MANY_OPEN': limits.refusals,
      'quarantined QUOTA_EXCEEDED': limits.beyond,
    });
    const { agent, other } = ledger;
    const envelope = ledger.envelope({
      agent: { id: other.id, key_thumbprint: other.key.thumbprint },
    });
    const frame = ledger.requestFrame(envelope, other);
    expect(agent.id).not.toBe(other.id);
    expect(await ledger.submit('request', frame)).toEqual({ status: 'accepted' });
  });

  it('bounds the refusals that an agent can cause in a minute', async () => {
    const ledger = new TestLedger({ limits: { refusalsPerMinuteMax: 2 } });
    const refused = (): Uint8Array => ledger.requestFrame(ledger.envelope({ tenant: 'other' }));
    await ledger.submit('request', refused());
    await ledger.submit('request', refused());
    const size = ledger.log.length;
    expect(await ledger.submit('request', refused())).toEqual({
      status: 'quarantined',
      code: 'QUOTA_EXCEEDED',
    });
    expect(ledger.log).toHaveLength(size);
    ledger.nowMs += 60_000;
    expect(await ledger.submit('request', refused())).toMatchObject({ status: 'refused' });
  });

  it('C06: ends at its time by ledger time, and not before', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    await ledger.tick(900_000);
    expect(ledger.entries('request-expired')).toHaveLength(0);
    await ledger.tick(1);
    expect(ledger.last('request-expired').entry.action_id).toBe(asked.action.envelope.action_id);
    expect(await ledger.decide(ledger.alice, asked)).toMatchObject({ code: 'EXPIRED' });
  });

  it('C17: names no person when nobody decided', async () => {
    const ledger = new TestLedger();
    await ledger.request();
    await ledger.tick(900_001);
    const { entry } = ledger.last('request-expired');
    expect(Object.keys(entry).sort()).toEqual([
      'action_id',
      'admission',
      'at',
      'decide_by',
      'tenant',
      'type',
      'v',
    ]);
  });

  it('freezes who may not approve: owner, own tool, and the chain', async () => {
    const person = testPerson();
    const chained = testPerson();
    const ledger = new TestLedger({ extra: [...person.members, ...chained.members] });
    const asked = await ledger.request(
      ledger.envelope({ acting_for: [{ sub: chained.id, kind: 'person' }] }),
    );
    expect(asked.admission.entry.excluded).toEqual(
      [ledger.owner.id, chained.id].sort().map((id) => ({ person: id, code: 'OWNER_APPROVAL' })),
    );
  });

  it('lets the owner approve under separation solo only', async () => {
    const solo = new TestLedger({ separation: 'solo' });
    const asked = await solo.request();
    expect(asked.admission.entry.excluded).toEqual([]);
    expect(await solo.decide(solo.owner, asked)).toEqual({ status: 'accepted' });
    expect(solo.last('binding-made').entry.separation).toBe('solo');
  });

  it('never gives more uses than its rule', async () => {
    const ledger = new TestLedger({ policy: policyOf(1, { max_uses: 3 }) });
    const asked = await ledger.request(ledger.envelope({ max_uses: 7 }));
    expect(asked.admission.entry.max_uses).toBe(3);
  });
});
