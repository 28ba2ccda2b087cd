import { describe, expect, it } from 'vitest';
import { formatTimestamp, type Digest } from '@countersign/canonical';
import { shortIdOf } from '@countersign/binding';
import { policyOf } from './test-documents.ts';
import { TestLedger } from './test-ledger.ts';
import { START_MS, testExecutor } from './test-members.ts';

const OTHER_DIGEST: Digest = `sha256:${'22'.repeat(32)}`;

describe('a use', () => {
  it('is claimed, with a time to start by and a short id', async () => {
    const ledger = new TestLedger();
    const bound = await ledger.bound();
    const claim = ledger.useClaim(bound);
    expect(await ledger.use(claim)).toEqual({ status: 'accepted' });
    expect(ledger.last('binding-used').entry).toMatchObject({
      use_number: 1,
      use_id: claim['use_id'],
      start_by: formatTimestamp(ledger.nowMs + 60_000),
      short_id: shortIdOf(ledger.last('binding-used').entry.use_id),
    });
  });

  it('C01: a second use is refused with the id of the first', async () => {
    const ledger = new TestLedger();
    const bound = await ledger.bound();
    const first = ledger.useClaim(bound);
    await ledger.use(first);
    expect(await ledger.use(ledger.useClaim(bound))).toEqual({
      status: 'refused',
      code: 'ALREADY_CONSUMED',
    });
    expect(ledger.last('use-refused').entry.first_use).toBe(first['use_id']);
  });

  it('C02: of a hundred claims one is accepted', async () => {
    const ledger = new TestLedger();
    const bound = await ledger.bound();
    const outcomes = [];
    for (let i = 0; i < 100; i += 1) outcomes.push(await ledger.use(ledger.useClaim(bound)));
    expect(outcomes.filter(({ status }) => status === 'accepted')).toHaveLength(1);
    expect(outcomes.filter((o) => 'code' in o && o.code === 'ALREADY_CONSUMED')).toHaveLength(99);
    expect(ledger.entries('binding-used')).toHaveLength(1);
  });

  it('answers the same claim with the same entry, however late', async () => {
    const ledger = new TestLedger();
    const claim = ledger.useClaim(await ledger.bound());
    await ledger.use(claim);
    const { index } = ledger.last('binding-used');
    ledger.nowMs += 3_600_000;
    expect(await ledger.use(claim)).toEqual({ status: 'repeated', index });
  });

  it('C01: the id of a use serves once, whatever else the claim says', async () => {
    const ledger = new TestLedger({ policy: policyOf(1, { max_uses: 2 }) });
    const bound = await ledger.bound(ledger.envelope({ max_uses: 2 }));
    const first = ledger.useClaim(bound);
    await ledger.use(first);
    ledger.nowMs += 1_000;
    const again = { ...first, claimed_at: formatTimestamp(ledger.nowMs) };
    expect(await ledger.use(again)).toEqual({ status: 'refused', code: 'ALREADY_CONSUMED' });
    expect(ledger.entries('binding-used')).toHaveLength(1);
  });

  it('A13: takes as many uses as the rule gives', async () => {
    const ledger = new TestLedger({ policy: policyOf(1, { max_uses: 2 }) });
    const bound = await ledger.bound(ledger.envelope({ max_uses: 2 }));
    await ledger.use(ledger.useClaim(bound));
    expect(await ledger.use(ledger.useClaim(bound))).toEqual({ status: 'accepted' });
    expect(ledger.last('binding-used').entry.use_number).toBe(2);
    expect(await ledger.use(ledger.useClaim(bound))).toMatchObject({ code: 'ALREADY_CONSUMED' });
  });

  it('C07: is in time at use_by, and expired after it', async () => {
    const ledger = new TestLedger({ policy: policyOf(1, { max_uses: 2 }) });
    const bound = await ledger.bound(ledger.envelope({ max_uses: 2 }));
    ledger.nowMs += 900_000;
    expect(await ledger.use(ledger.useClaim(bound))).toEqual({ status: 'accepted' });
    expect(ledger.last('binding-used').entry.start_by).toBe(bound.binding.entry.use_by);
    ledger.nowMs += 1;
    expect(await ledger.use(ledger.useClaim(bound))).toEqual({
      status: 'refused',
      code: 'EXPIRED',
    });
  });

  it('C08: a clock outside five minutes is refused, at five minutes it is not', async () => {
    const ledger = new TestLedger();
    const bound = await ledger.bound();
    for (const skewMs of [300_001, -300_001]) {
      const claimed_at = formatTimestamp(START_MS + skewMs);
      expect(await ledger.use(ledger.useClaim(bound, { claimed_at }))).toMatchObject({
        code: 'CLOCK_SKEW',
      });
    }
    const claimed_at = formatTimestamp(START_MS - 300_000);
    expect(await ledger.use(ledger.useClaim(bound, { claimed_at }))).toEqual({
      status: 'accepted',
    });
  });

  it.each([
    ['ACTION_DIGEST_MISMATCH', { action_digest: OTHER_DIGEST }],
    ['NOT_BOUND', { binding: OTHER_DIGEST }],
    ['NOT_BOUND', { action_id: '01JD8Z0000000000000000N0NE' }],
    ['EXECUTOR_MISMATCH', { executor: 'build-2' }],
    ['TENANT_UNKNOWN', { tenant: 'other' }],
  ])('is refused with %s', async (code, more) => {
    const ledger = new TestLedger();
    const claim = ledger.useClaim(await ledger.bound(), more);
    expect(await ledger.use(claim)).toEqual({ status: 'refused', code });
    expect(ledger.last('use-refused').entry).toMatchObject({ code, executor: 'build-1' });
  });

  it('A09: belongs to the executor of the action, as it was', async () => {
    const second = testExecutor('build-2');
    const ledger = new TestLedger({ extra: [second.member] });
    const bound = await ledger.bound();
    const claim = ledger.useClaim(bound, { executor: 'build-2' });
    expect(await ledger.use(claim, second.key)).toMatchObject({ code: 'EXECUTOR_MISMATCH' });
    expect(await ledger.use(claim, testExecutor('nobody').key)).toEqual({
      status: 'quarantined',
      code: 'EXECUTOR_UNKNOWN',
    });
  });

  it('H04: another executor cannot claim, nor report, in the name of the one that was approved', async () => {
    const second = testExecutor('build-2');
    const ledger = new TestLedger({ extra: [second.member] });
    const bound = await ledger.bound();
    const claim = ledger.useClaim(bound);
    const refused = { status: 'refused', code: 'EXECUTOR_MISMATCH' };
    expect(await ledger.use(claim, second.key)).toEqual(refused);
    expect(ledger.last('use-refused').entry.executor).toBe('build-2');
    expect(await ledger.use(claim)).toEqual({ status: 'accepted' });
    expect(await ledger.submitReport(ledger.report(claim), second.key)).toEqual(refused);
    expect(ledger.entries('execution-reported')).toHaveLength(0);
    // An agent's key is no executor's, whatever it signs.
    expect(await ledger.use(ledger.useClaim(bound), ledger.agent.key)).toEqual({
      status: 'quarantined',
      code: 'EXECUTOR_UNKNOWN',
    });
  });

  it('A09: is refused when the executor has another interface by now', async () => {
    const ledger = new TestLedger();
    const bound = await ledger.bound();
    const { key, id } = ledger.executor;
    await ledger.change({ kind: 'executor-revoked', id });
    const interface_digest = OTHER_DIGEST;
    const audiences = ['host:build-1'];
    await ledger.change({
      kind: 'executor-enrolled',
      executor: { id, public_key: key.publicKey, audiences, interface_digest },
    });
    expect(await ledger.use(ledger.useClaim(bound))).toEqual({
      status: 'refused',
      code: 'EXECUTOR_DESCRIPTOR_MISMATCH',
    });
  });

  it('is refused for a request that is open, denied or expired', async () => {
    const ledger = new TestLedger();
    const codes: unknown[] = [];
    for (const end of ['open', 'denied', 'expired']) {
      const asked = await ledger.request();
      if (end === 'denied') await ledger.decide(ledger.alice, asked, { verdict: 'deny' });
      if (end === 'expired') await ledger.tick(900_001);
      const binding = { leaf: OTHER_DIGEST } as never;
      codes.push(await ledger.use(ledger.useClaim({ ...asked, binding })));
    }
    expect(codes).toMatchObject([
      { code: 'NOT_BOUND' },
      { code: 'NOT_BOUND' },
      { code: 'EXPIRED' },
    ]);
  });
});

describe('a revocation', () => {
  it('C10: before the use, nothing runs', async () => {
    const ledger = new TestLedger();
    const bound = await ledger.bound();
    // Whoever owns the agent may not approve, but may always stop it.
    expect(await ledger.decide(ledger.owner, bound, { verdict: 'revoke' })).toEqual({
      status: 'accepted',
    });
    expect(ledger.last('binding-revoked').entry.binding).toBe(bound.binding.leaf);
    expect(await ledger.use(ledger.useClaim(bound))).toEqual({
      status: 'refused',
      code: 'REVOKED',
    });
  });

  it('C10: after the use, both stay on record and nothing runs again', async () => {
    const ledger = new TestLedger({ policy: policyOf(1, { max_uses: 2 }) });
    const bound = await ledger.bound(ledger.envelope({ max_uses: 2 }));
    expect(await ledger.use(ledger.useClaim(bound))).toEqual({ status: 'accepted' });
    await ledger.decide(ledger.bob, bound, { verdict: 'revoke' });
    expect(await ledger.use(ledger.useClaim(bound))).toMatchObject({ code: 'REVOKED' });
    expect(ledger.types.slice(-3)).toEqual(['binding-used', 'binding-revoked', 'use-refused']);
  });

  it('ends an open request, and later decisions find it revoked', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    await ledger.decide(ledger.bob, asked, { verdict: 'revoke' });
    expect(ledger.last('binding-revoked').entry.binding).toBeNull();
    expect(await ledger.decide(ledger.alice, asked)).toMatchObject({ code: 'REVOKED' });
    expect(
      await ledger.decide(ledger.bob, asked, { verdict: 'revoke', text: 'again' }),
    ).toMatchObject({ code: 'REVOKED' });
  });

  it('D10: a use is refused when an approver has lost the key, an earlier use stays', async () => {
    const ledger = new TestLedger({ policy: policyOf(1, { max_uses: 2 }) });
    const bound = await ledger.bound(ledger.envelope({ max_uses: 2 }));
    expect(await ledger.use(ledger.useClaim(bound))).toEqual({ status: 'accepted' });
    const credential_id = ledger.alice.passkey.credentialId;
    const asked = await ledger.request(
      ledger.changeEnvelope({ kind: 'credential-revoked', credential_id }),
    );
    await ledger.decide(ledger.bob, asked);
    expect(await ledger.use(ledger.useClaim(bound))).toEqual({
      status: 'refused',
      code: 'APPROVER_REVOKED',
    });
    expect(ledger.entries('binding-used')).toHaveLength(1);
  });
});

describe('an execution report', () => {
  it('is recorded once; the same again is the same, another one an alarm', async () => {
    const ledger = new TestLedger();
    const claim = ledger.useClaim(await ledger.bound());
    await ledger.use(claim);
    const report = ledger.report(claim);
    expect(await ledger.submitReport(report)).toEqual({ status: 'accepted' });
    const { index } = ledger.last('execution-reported');
    ledger.nowMs += 1_200_000;
    expect(await ledger.submitReport(report)).toEqual({ status: 'repeated', index });
    const other = ledger.report(claim, { result: 'failed' });
    expect(await ledger.submitReport(other)).toEqual({
      status: 'refused',
      code: 'REPORT_CONFLICT',
    });
    expect(ledger.last('finding-raised').entry).toMatchObject({
      finding: 'REPORT_CONFLICT',
      about: { use_id: claim['use_id'] },
    });
    expect(ledger.entries('execution-reported')).toHaveLength(1);
  });

  it.each([
    ['USE_UNKNOWN', { use_id: '01JD8Z0000000000000000N0NE' }],
    ['EXECUTOR_MISMATCH', { executor: 'build-2' }],
    ['ACTION_DIGEST_MISMATCH', { action_digest: OTHER_DIGEST }],
    ['SCHEMA_INVALID', { ended_at: formatTimestamp(START_MS - 1) }],
  ])('is refused with %s', async (code, more) => {
    const ledger = new TestLedger();
    const claim = ledger.useClaim(await ledger.bound());
    await ledger.use(claim);
    expect(await ledger.submitReport(ledger.report(claim, more))).toEqual({
      status: 'refused',
      code,
    });
  });
});

describe('an erasure', () => {
  it('G14: removes content by order of an operator, and proofs stay', async () => {
    const ledger = new TestLedger();
    const bound = await ledger.bound();
    const { action_id } = bound.action.envelope;
    expect(await ledger.erase(action_id)).toEqual({ status: 'accepted' });
    const { entry } = ledger.last('content-erased');
    expect(entry.erased).toEqual([
      bound.action.digest,
      ledger.last('decision-accepted').entry.statement.rationale_digest,
    ]);
    expect(ledger.content.slice(-2)).toEqual(
      entry.erased.map((digest) => ({ kind: 'erase', digest })),
    );
    expect(await ledger.use(ledger.useClaim(bound))).toMatchObject({ code: 'CONTENT_ERASED' });
    expect(await ledger.erase(action_id)).toMatchObject({ status: 'repeated' });
  });

  it('G14: leaves nothing to be written afterwards that it could not remove again', async () => {
    const ledger = new TestLedger();
    const bound = await ledger.bound();
    await ledger.erase(bound.action.envelope.action_id);
    const written = ledger.content.length;
    expect(await ledger.decide(ledger.bob, bound, { verdict: 'revoke' })).toEqual({
      status: 'accepted',
    });
    expect(ledger.types.at(-1)).toBe('binding-revoked');
    expect(ledger.content).toHaveLength(written);
  });

  it('G14: is not for an open request, an unknown one, or an agent that is no operator', async () => {
    const ledger = new TestLedger();
    const open = await ledger.request();
    const bound = await ledger.bound();
    const refused = { status: 'refused', code: 'NOT_ELIGIBLE' };
    expect(await ledger.erase(open.action.envelope.action_id)).toEqual(refused);
    expect(await ledger.erase('01JD8Z0000000000000000N0NE')).toEqual(refused);
    expect(await ledger.erase(bound.action.envelope.action_id, ledger.other)).toEqual(refused);
    expect(ledger.entries('content-erased')).toHaveLength(0);
    expect(ledger.last('finding-raised').entry).toMatchObject({
      finding: 'NOT_ELIGIBLE',
      about: { agent: 'janitor' },
    });
  });
});
