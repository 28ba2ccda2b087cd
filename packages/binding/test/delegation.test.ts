import { BindingError, decideAgain, type CedarPolicy, type Outcome } from '@countersign/binding';
import type { Digest, JsonObject } from '@countersign/canonical';
import { jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { BOOTSTRAP } from './test-documents.ts';
import { actOf, delegated, jktOf, OTHER_ISSUER, TestIssuer } from './test-issuer.ts';
import { verifySignature } from './test-keys.ts';
import { TestLedger, type Placed } from './test-ledger.ts';
import type { TestAgent } from './test-members.ts';

const INVALID = { status: 'refused', code: 'DELEGATION_INVALID' };
const EXCEEDED = { status: 'refused', code: 'DELEGATION_EXCEEDED' };
const PLANNER = 'svc:planner';

interface Chain {
  readonly ledger: TestLedger;
  readonly issuer: TestIssuer;
  /** Claims in place of those of the first link and of the last one. */
  readonly first?: JsonObject;
  readonly last?: JsonObject;
  readonly agent?: TestAgent;
}

async function ledgerWith(issuer: TestIssuer = new TestIssuer()): Promise<Chain> {
  const ledger = new TestLedger();
  const outcome = await ledger.change(issuer.change([['alice', ledger.bob]]));
  if (outcome.status !== 'accepted') throw new Error('expected the issuer to be enrolled');
  return { ledger, issuer };
}

/** Bob, whom the issuer calls alice, lets the planner act, and the planner the agent. */
async function envelopeBy(chain: Chain): Promise<JsonObject> {
  const { ledger, issuer, first, last, agent = ledger.agent } = chain;
  const exp = Math.floor(ledger.nowMs / 1_000) + 3_600;
  const cnf = { jkt: await jktOf(agent) };
  const tokens = [
    await issuer.token({ sub: 'alice', exp, act: actOf(PLANNER), ...first }),
    await issuer.token({ sub: 'alice', exp, act: actOf(PLANNER, agent.id), cnf, ...last }),
  ];
  return ledger.envelope(
    delegated(tokens, [
      { sub: ledger.bob.id, kind: 'person' },
      { sub: PLANNER, kind: 'service' },
    ]),
    agent,
  );
}

async function answerTo(chain: Chain, more: JsonObject = {}): Promise<Outcome> {
  const { ledger, agent } = chain;
  const envelope = { ...(await envelopeBy(chain)), ...more };
  return ledger.submit('request', ledger.requestFrame(envelope, agent));
}

describe('F07: a chain of delegation', () => {
  it.each(['ES256', 'EdDSA', 'RS256'] as const)(
    'is verified link by link against the pinned keys of its issuer (%s), and everybody in it is excluded',
    async (alg) => {
      const chain = await ledgerWith(new TestIssuer(undefined, alg));
      const { ledger, issuer } = chain;
      const envelope = await envelopeBy(chain);
      const [token = ''] = envelope['delegation'] as string[];
      await expect(
        jwtVerify(token, issuer.publicKey, { currentDate: new Date(ledger.nowMs) }),
      ).resolves.toMatchObject({ payload: { sub: 'alice' } });
      const asked = await ledger.request(envelope);
      const { entry } = asked.admission;
      expect(entry.acting_for).toEqual([ledger.bob.id]);
      expect(entry.excluded).toContainEqual({ person: ledger.bob.id, code: 'OWNER_APPROVAL' });
      expect(entry.delegation?.map((each) => each.issuer)).toEqual([issuer.id, issuer.id]);
      expect(entry.not_after).toBe('2026-11-23T10:00:00.000Z');
      expect(await ledger.decide(ledger.bob, asked)).toMatchObject({ code: 'OWNER_APPROVAL' });
      expect(await ledger.decide(ledger.alice, asked)).toEqual({ status: 'accepted' });
      expect(ledger.last('binding-made').entry.delegation).toEqual(entry.delegation);
    },
  );

  it('may have links of several issuers, who name one person each in their own way', async () => {
    const chain = await ledgerWith();
    const { ledger, issuer } = chain;
    const other = new TestIssuer(OTHER_ISSUER, 'EdDSA');
    await ledger.change(other.change([['00u7', ledger.bob]]));
    const exp = Math.floor(ledger.nowMs / 1_000) + 60;
    const cnf = { jkt: await jktOf(ledger.agent) };
    const act = actOf(PLANNER, ledger.agent.id);
    const principals = [
      { sub: ledger.bob.id, kind: 'person' },
      { sub: PLANNER, kind: 'service' },
    ] as const;
    const first = await issuer.token({ sub: 'alice', exp, act: actOf(PLANNER) });
    const good = [first, await other.token({ sub: '00u7', exp, act, cnf })];
    const envelope = ledger.envelope(delegated(good, principals));
    expect(await ledger.submit('request', ledger.requestFrame(envelope))).toMatchObject({
      status: 'accepted',
    });
    // The other issuer does not know the name that the first one has for him.
    const bad = [first, await other.token({ sub: 'alice', exp, act, cnf })];
    const wrong = ledger.envelope(delegated(bad, principals));
    expect(await ledger.submit('request', ledger.requestFrame(wrong))).toEqual(INVALID);
  });

  const claims: readonly (readonly [string, Partial<Chain>])[] = [
    ['a forged act', { last: { act: actOf('svc:other', 'deployer') } }],
    ['an act without the actors before', { last: { act: actOf('deployer') } }],
    ['an actor too many', { last: { act: actOf(PLANNER, 'svc:x', 'deployer') } }],
    ['an act that says more than a name', { last: { act: { sub: 'deployer', iss: 'x' } } }],
    ['no act', { last: { act: null } }],
    ['a type more than before', { last: { scope: 'generic.command payment.transfer' } }],
    ['a time longer than before', { last: { exp: 4_000_000_000 } }],
    ['a time that is over', { first: { exp: 1_763_888_399 }, last: { exp: 1_763_888_399 } }],
    ['a time that has not come', { first: { nbf: 4_000_000_000 } }],
    ['no end', { first: { exp: null } }],
    ['another audience', { last: { aud: ['globex'] } }],
    ['another agent', { last: { act: actOf(PLANNER, 'janitor') } }],
    ['the key of another', { last: { cnf: { jkt: 'A'.repeat(43) } } }],
    ['no key', { last: { cnf: null } }],
    ['another subject', { last: { sub: 'svc:planner' } }],
    ['a subject of nobody known', { first: { sub: 'carol' }, last: { sub: 'carol' } }],
    ['an issuer that is not enrolled', { first: { iss: OTHER_ISSUER } }],
    [
      'a limit of a kind that nobody knows',
      { last: { authorization_details: [{ type: 'generic.command', min: {} }] } },
    ],
  ];
  it.each(claims)('with %s is DELEGATION_INVALID', async (_what, more) => {
    expect(await answerTo({ ...(await ledgerWith()), ...more })).toEqual(INVALID);
  });

  it('widened by a higher limit is DELEGATION_INVALID', async () => {
    const chain = await ledgerWith();
    const limits = (max: string): JsonObject => ({
      authorization_details: [{ type: 'generic.command', max: { '/cwd': max } }],
    });
    const wider = { ...chain, first: limits('10.00'), last: limits('10.01') };
    expect(await answerTo(wider)).toEqual(INVALID);
    // Narrower is a chain; what it limits is no amount in this action.
    const narrower = { ...chain, first: limits('10.00'), last: limits('9.99') };
    expect(await answerTo(narrower)).toEqual(EXCEEDED);
  });

  it('of another agent is DELEGATION_INVALID', async () => {
    const chain = await ledgerWith();
    const { ledger } = chain;
    const { delegation, acting_for } = await envelopeBy(chain);
    const stolen = ledger.envelope({ delegation, acting_for } as JsonObject, ledger.other);
    const frame = ledger.requestFrame(stolen, ledger.other);
    expect(await ledger.submit('request', frame)).toEqual(INVALID);
  });

  it('of 20 links is DELEGATION_INVALID, and so is one that is cut, spoiled, or told wrongly', async () => {
    const chain = await ledgerWith();
    const { ledger } = chain;
    const envelope = await envelopeBy(chain);
    const [first = '', last = ''] = envelope['delegation'] as string[];
    const [bob = {}, planner = {}] = envelope['acting_for'] as JsonObject[];
    const [head = '', body = '', tail = ''] = last.split('.');
    const none = Buffer.from('{"alg":"none","kid":"ES256-1"}').toString('base64url');
    const told: JsonObject[] = [
      { delegation: Array.from({ length: 20 }, () => first) },
      { delegation: [first] },
      { delegation: [last], acting_for: [bob] },
      { delegation: [last, first] },
      { delegation: [first, `${last.slice(0, -4)}AAAA`] },
      { delegation: [first, `${none}.${body}.`] },
      { delegation: [first, `${none}.${body}.${tail}`] },
      { delegation: [first, `${head}.${body}`] },
      { acting_for: [] },
      { acting_for: [planner, bob] },
      { acting_for: [{ ...bob, sub: ledger.alice.id }, planner] },
      { acting_for: [{ sub: bob['sub'] ?? '', kind: 'person' }, planner] },
    ];
    for (const more of told) {
      const fresh = { ...envelope, action_id: ledger.newUlid(), ...more };
      expect(await ledger.submit('request', ledger.requestFrame(fresh))).toEqual(INVALID);
      expect(ledger.last('request-refused').entry.code).toBe('DELEGATION_INVALID');
      ledger.nowMs += 60_000;
    }
  });

  it('with a header that points to other keys is DELEGATION_INVALID', async () => {
    const chain = await ledgerWith();
    const { ledger, issuer } = chain;
    const exp = Math.floor(ledger.nowMs / 1_000) + 60;
    const cnf = { jkt: await jktOf(ledger.agent) };
    const said = { sub: 'alice', exp, cnf, act: actOf(ledger.agent.id) };
    const bob = { sub: ledger.bob.id, kind: 'person' } as const;
    for (const header of [{ jku: 'https://evil.example' }, { kid: 'another' }]) {
      const token = await issuer.token(said, header);
      const envelope = ledger.envelope(delegated([token], [bob]));
      expect(await ledger.submit('request', ledger.requestFrame(envelope))).toEqual(INVALID);
    }
    const forger = new TestIssuer();
    const envelope = ledger.envelope(delegated([await forger.token(said)], [bob]));
    expect(await ledger.submit('request', ledger.requestFrame(envelope))).toEqual(INVALID);
  });

  it('ends with its issuer: an open request binds no more, and nobody new is admitted', async () => {
    const chain = await ledgerWith();
    const { ledger, issuer } = chain;
    const asked = await ledger.request(await envelopeBy(chain));
    await ledger.change({ kind: 'issuer-revoked', id: issuer.id });
    expect(await ledger.decide(ledger.alice, asked)).toEqual(INVALID);
    expect(await answerTo(chain)).toEqual(INVALID);
  });
});

describe('D12: what a chain allows', () => {
  it('is what each of its links allows: another type is DELEGATION_EXCEEDED', async () => {
    const chain = { ...(await ledgerWith()), last: { scope: 'generic.tool_call' } };
    expect(await answerTo({ ...chain, first: { scope: 'generic.tool_call' } })).toEqual(EXCEEDED);
  });

  it.each([
    ['first', { '/cwd': ['/srv'] }],
    ['last', { '/cwd': ['/srv'] }],
    ['last', { '/nothing': ['/srv'] }],
  ] as const)('is kept to by the limits of the %s link', async (which, only) => {
    const chain = await ledgerWith();
    const details = { authorization_details: [{ type: 'generic.command', only }] };
    expect(await answerTo({ ...chain, [which]: details as unknown as JsonObject })).toEqual(
      EXCEEDED,
    );
  });
});

describe('a chain that a rule wants', () => {
  const policy: CedarPolicy = {
    v: 'countersign.policy.v3',
    cedar:
      '@id("any") @rule("chained") permit (principal, action == Action::"ask", resource is generic::command_v1);',
    groups: {},
    rules: [{ ...BOOTSTRAP, id: 'chained', approvals: 1, delegation: 'required' }],
  };

  it('F07: is frozen in the admission; without a chain it is DELEGATION_INVALID', async () => {
    const { issuer } = await ledgerWith();
    const ledger = new TestLedger({ policy });
    await ledger.change(issuer.change([['alice', ledger.bob]]));
    expect(await ledger.submit('request', ledger.requestFrame(ledger.envelope()))).toEqual(INVALID);
    const named = { acting_for: [{ sub: ledger.bob.id, kind: 'person' }] };
    const claimed = ledger.requestFrame(ledger.envelope(named));
    expect(await ledger.submit('request', claimed)).toEqual(INVALID);
    const { admission } = await ledger.request(await envelopeBy({ ledger, issuer }));
    expect(admission.entry.requirement.delegation).toBe('required');
    // A log with such an admission and no chain does not follow.
    const bare = Object.fromEntries(
      Object.entries(admission.entry).filter(([name]) => name !== 'delegation'),
    ) as unknown as typeof admission.entry;
    expect(await again(ledger, admission, bare).catch(codeOf)).toBe('DELEGATION_INVALID');
  });
});

/** What the rules make of an admission in its place of the log, without the action. */
async function again(
  ledger: TestLedger,
  placed: Placed<'request-admitted'>,
  entry: Placed<'request-admitted'>['entry'] = placed.entry,
): Promise<readonly Digest[]> {
  const state = ledger.emptyState();
  for (const each of ledger.log.slice(0, placed.index)) state.evolve(each.entry, each);
  const { entries } = await decideAgain(
    state,
    { at: entry.at, answers: [entry] },
    () => verifySignature,
  );
  return entries.map(({ leaf }) => leaf);
}

function codeOf(error: unknown): unknown {
  return error instanceof BindingError ? error.code : error;
}

describe('an audit', () => {
  it('derives an admission by a chain again from the log alone, while its issuer stands', async () => {
    const chain = await ledgerWith();
    const { ledger } = chain;
    const { admission } = await ledger.request(await envelopeBy(chain));
    expect(await again(ledger, admission)).toEqual([admission.leaf]);
    const [grant] = admission.entry.delegation ?? [];
    const strange = [{ issuer: OTHER_ISSUER, digest: grant?.digest ?? admission.leaf }];
    const forged = { ...admission.entry, delegation: strange };
    expect(await again(ledger, admission, forged).catch(codeOf)).toBe('DELEGATION_INVALID');
  });
});

describe('an issuer', () => {
  it('is enrolled and revoked by persons, each of its subjects a person whom the authority knows', async () => {
    const { ledger, issuer } = await ledgerWith();
    const again = issuer.change([['bob', ledger.bob]]);
    expect(await ledger.change(again)).toEqual({ status: 'accepted' });
    expect(ledger.state.authority.get('issuer', issuer.id)?.persons).toEqual([
      { sub: 'bob', person: ledger.bob.id },
    ]);
    for (const persons of [
      [{ sub: 'svc:bob', person: ledger.bob.id }],
      [1, 2].map(() => ({ sub: 'bob', person: ledger.bob.id })),
    ]) {
      expect(await ledger.change(issuer.change([], { persons })).catch(String)).toContain(
        'SCHEMA_INVALID',
      );
    }
    const nobody = [{ sub: 'bob', person: 'prs_01KAR5RWY0000000000000000Z' }];
    const unknown = issuer.change([], { persons: nobody });
    expect(await ledger.change(unknown).catch(String)).toContain('MEMBER_UNKNOWN');
    const gone = { kind: 'issuer-revoked', id: issuer.id };
    expect(await ledger.change(gone)).toEqual({ status: 'accepted' });
    expect(await ledger.change(gone).catch(String)).toContain('MEMBER_UNKNOWN');
  });
});
