import type { JsonObject } from '@countersign/canonical';
import { describe, expect, it } from 'vitest';
import { policyOf } from './test-documents.ts';
import { actOf, delegated, jktOf, TestIssuer } from './test-issuer.ts';
import { TestLedger } from './test-ledger.ts';
import { testAgent, testPerson } from './test-members.ts';

const REFUSED = { status: 'refused', code: 'OWNER_APPROVAL' };

function sponsored(ledger: TestLedger, sponsor?: string): JsonObject {
  return {
    kind: 'agent-sponsored',
    agent: ledger.agent.id,
    ...(sponsor !== undefined && { sponsor }),
  };
}

describe('separation by person', () => {
  it('D02: the sponsor of an agent cannot approve what it asks for, until somebody else is', async () => {
    const ledger = new TestLedger();
    expect(await ledger.change(sponsored(ledger, ledger.bob.id))).toEqual({ status: 'accepted' });
    const asked = await ledger.request();
    expect(asked.admission.entry.agent.sponsor).toBe(ledger.bob.id);
    expect(await ledger.decide(ledger.bob, asked)).toEqual(REFUSED);
    expect(await ledger.decide(ledger.owner, asked)).toEqual(REFUSED);
    // Whoever sponsors it may not approve the change either: he could else free himself.
    const change = await ledger.request(ledger.changeEnvelope(sponsored(ledger)));
    expect(await ledger.decide(ledger.bob, change)).toEqual(REFUSED);
    expect(await ledger.decide(ledger.alice, change)).toEqual({ status: 'accepted' });
    expect(await ledger.decide(ledger.bob, await ledger.request())).toEqual({ status: 'accepted' });
  });

  it('D02: a sponsor who comes after the request ends it: AGENT_MISMATCH', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    await ledger.change(sponsored(ledger, ledger.bob.id));
    expect(await ledger.decide(ledger.bob, asked)).toEqual({
      status: 'refused',
      code: 'AGENT_MISMATCH',
    });
  });

  it('names a sponsor whom the authority knows, and locks nobody out by it', async () => {
    const ledger = new TestLedger();
    const nobody = 'prs_01KAR5RWY0000000000000000Z';
    expect(await ledger.change(sponsored(ledger, nobody)).catch(String)).toContain(
      'MEMBER_UNKNOWN',
    );
    const unknown = { ...sponsored(ledger, ledger.bob.id), agent: 'nobody' };
    expect(await ledger.change(unknown).catch(String)).toContain('MEMBER_UNKNOWN');
  });

  it('D02: under separation solo neither owner nor sponsor is excluded, whose tool it is always', async () => {
    const founder = new TestLedger({ separation: 'solo' });
    const tool = testAgent('cli', founder.owner.id, { person: founder.alice.id });
    const ledger = TestLedger.twinOf(founder, {}, { extra: [tool.member] });
    const asked = await ledger.request(ledger.envelope({}, tool), tool);
    expect(await ledger.decide(ledger.alice, asked)).toMatchObject({ code: 'SELF_APPROVAL' });
    expect(await ledger.decide(ledger.owner, asked)).toEqual({ status: 'accepted' });
  });

  it('D02: everybody in the chain is excluded, by whatever account of theirs', async () => {
    const ledger = new TestLedger();
    const carol = testPerson();
    const issuer = new TestIssuer();
    const twin = TestLedger.twinOf(ledger, {}, { extra: carol.members });
    const change = issuer.change([
      ['bob', twin.bob],
      ['bob.admin', twin.bob],
      ['carol', carol],
    ]);
    await twin.change(change);
    const exp = Math.floor(twin.nowMs / 1_000) + 600;
    const cnf = { jkt: await jktOf(twin.agent) };
    const tokens = [
      await issuer.token({ sub: 'bob.admin', exp, act: actOf('carol') }),
      await issuer.token({ sub: 'bob', exp, cnf, act: actOf('carol', twin.agent.id) }),
    ];
    const persons = [twin.bob, carol].map(({ id: sub }) => ({ sub, kind: 'person' as const }));
    const asked = await twin.request(twin.envelope(delegated(tokens, persons)));
    for (const person of [twin.bob, carol, twin.owner]) {
      expect(await twin.decide(person, asked)).toEqual(REFUSED);
    }
    expect(await twin.decide(twin.alice, asked)).toEqual({ status: 'accepted' });
  });

  it('D17: a guardian model fills no seat of a human, though the rule names it', async () => {
    const guardian = testPerson('machine');
    const founder = new TestLedger();
    const policy = policyOf(1, { approvers: [guardian.id, founder.alice.id] });
    const ledger = TestLedger.twinOf(founder, {}, { extra: guardian.members, policy });
    const asked = await ledger.request();
    const outcome = { status: 'refused', code: 'NOT_A_NATURAL_PERSON' };
    expect(await ledger.decide(guardian, asked)).toEqual(outcome);
    expect(await ledger.decide(guardian, asked, { verdict: 'deny' })).toEqual(outcome);
    expect(await ledger.decide(ledger.alice, asked)).toEqual({ status: 'accepted' });
  });
});
