import {
  BindingError,
  decideAgain,
  sshKeyChange,
  type CedarPolicy,
  type Outcome,
  type Policy,
} from '@countersign/binding';
import {
  derFromRaw,
  digestBytes,
  utf8,
  type Digest,
  type JsonObject,
} from '@countersign/canonical';
import { SoftwareSshKey } from '@countersign/software-passkey';
import { createLocalJWKSet, exportJWK, jwtVerify } from 'jose';
import { createHmac, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BOOTSTRAP, payment, policyOf, TENANT } from './test-documents.ts';
import { actOf, delegated, jktOf, OTHER_ISSUER, TestIssuer } from './test-issuer.ts';
import { verifySignature } from './test-keys.ts';
import { TestLedger, type Placed } from './test-ledger.ts';
import type { TestAgent } from './test-members.ts';

const INVALID = { status: 'refused', code: 'DELEGATION_INVALID' };
const EXCEEDED = { status: 'refused', code: 'DELEGATION_EXCEEDED' };
const PLANNER = 'svc:planner';

const ALONE = 'batch.payment.transfer';
const BOTH = `payment.transfer ${ALONE}`;
const BATCHES = policyOf(1, { types: BOTH.split(' ') });

interface Chain {
  readonly ledger: TestLedger;
  readonly issuer: TestIssuer;
  /** Claims in place of those of the first link and of the last one. */
  readonly first?: JsonObject;
  readonly last?: JsonObject;
  readonly agent?: TestAgent;
}

async function ledgerWith(
  issuer: TestIssuer = new TestIssuer(),
  policy: Policy = policyOf(1),
): Promise<Chain> {
  const ledger = new TestLedger({ policy });
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

const encoded = (json: JsonObject): string =>
  Buffer.from(JSON.stringify(json)).toString('base64url');

/** Another header, over the same claims and signature. */
const withHeader =
  (header: JsonObject) =>
  (token: string): string =>
    token.replace(/^[^.]+/, encoded({ kid: 'ES256-1', ...header }));

/** Another signature, made out of the one that is there. */
const withSignature =
  (made: (signature: Buffer) => Uint8Array) =>
  (token: string): string => {
    const [head = '', body = '', tail = ''] = token.split('.');
    return [
      head,
      body,
      Buffer.from(made(Buffer.from(tail, 'base64url'))).toString('base64url'),
    ].join('.');
  };

const SPOILED: readonly (readonly [string, (token: string, issuer: TestIssuer) => string])[] = [
  [
    'a bit of its signature turned',
    withSignature((raw) => raw.map((byte, at) => byte ^ (at === 40 ? 1 : 0))),
  ],
  ['a signature of zeros', withSignature((raw) => raw.map(() => 0))],
  ['half a signature', withSignature((raw) => raw.subarray(0, 32))],
  ['a byte behind its signature', withSignature((raw) => Buffer.concat([raw, Buffer.of(0)]))],
  ['a signature in DER', withSignature((raw) => derFromRaw(raw))],
  [
    'other claims under its signature',
    (token) => {
      const [head = '', body = '', tail = ''] = token.split('.');
      const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as JsonObject;
      return [head, encoded({ ...claims, scope: 'generic.command generic.tool_call' }), tail].join(
        '.',
      );
    },
  ],
  [
    'alg none and no signature',
    (token) => withHeader({ alg: 'none' })(token).replace(/[^.]+$/, ''),
  ],
  ['alg none and a signature', withHeader({ alg: 'none' })],
  ['no signature', (token) => token.replace(/[^.]+$/, '')],
  ['two parts', (token) => token.replace(/\.[^.]+$/, '')],
  ['the alg of another kind of key', withHeader({ alg: 'EdDSA' })],
  ['another header under its signature', withHeader({ alg: 'ES256', typ: 'at+jwt' })],
  ['a kid of nobody', withHeader({ alg: 'ES256', kid: 'another' })],
  ['crit for what nobody knows', withHeader({ alg: 'ES256', crit: ['exp'] })],
  [
    'the public key for a secret (HS256)',
    (token, issuer) => {
      const [said = ''] = /^[^.]+\.[^.]+/.exec(withHeader({ alg: 'HS256' })(token)) ?? [];
      const secret = issuer.publicKey.export({ type: 'spki', format: 'pem' });
      return `${said}.${createHmac('sha256', secret).update(said).digest('base64url')}`;
    },
  ],
  [
    'the signature of another issuer’s key',
    (token) => {
      const [said = ''] = /^[^.]+\.[^.]+/.exec(token) ?? [];
      const key = { key: new TestIssuer().privateKey, dsaEncoding: 'ieee-p1363' } as const;
      return `${said}.${sign('sha256', Buffer.from(said), key).toString('base64url')}`;
    },
  ],
];

/** What an independent library says of one token, which knows the issuer's keys and nothing of chains. */
async function isGoodForJose(token: string, { ledger, issuer }: Chain): Promise<boolean> {
  const jwk = { ...(await exportJWK(issuer.publicKey)), kid: issuer.kid, alg: issuer.alg };
  const options = { issuer: issuer.id, audience: TENANT, currentDate: new Date(ledger.nowMs) };
  return jwtVerify(token, createLocalJWKSet({ keys: [jwk] }), options).then(
    () => true,
    () => false,
  );
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

  it.each(SPOILED)(
    'with %s is DELEGATION_INVALID, and jose does not verify it',
    async (_what, spoil) => {
      const chain = await ledgerWith();
      const { ledger, issuer } = chain;
      const envelope = await envelopeBy(chain);
      const [first = '', last = ''] = envelope['delegation'] as string[];
      expect(await isGoodForJose(last, chain)).toBe(true);
      const spoiled = spoil(last, issuer);
      expect(await isGoodForJose(spoiled, chain)).toBe(false);
      const [bob = {}, planner = {}] = envelope['acting_for'] as JsonObject[];
      const digest = digestBytes('countersign/grant/v1', utf8(spoiled));
      const told = {
        delegation: [first, spoiled],
        acting_for: [bob, { ...planner, grant_digest: digest }],
      };
      const asked = ledger.envelope(told);
      expect(await ledger.submit('request', ledger.requestFrame(asked))).toEqual(INVALID);
      expect(ledger.last('request-refused').entry.code).toBe('DELEGATION_INVALID');
    },
  );

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
  it.each([
    { name: 'of payments within the limit', scope: BOTH, amounts: ['5000.00', '0.01'] },
    { name: 'with a payment of more', scope: BOTH, amounts: ['0.01', '5000.01'], code: EXCEEDED },
    { name: 'of what no link allows alone', scope: ALONE, amounts: ['0.01'], code: EXCEEDED },
    { name: 'that no link allows', scope: 'payment.transfer', amounts: ['0.01'], code: EXCEEDED },
  ])('D12: is of a batch what it is of each item: one $name', async ({ scope, amounts, code }) => {
    const chain = await ledgerWith(new TestIssuer(), BATCHES);
    const detail = { type: 'payment.transfer', max: { '/amount/amount': '5000.00' } };
    const limits = scope === BOTH ? { authorization_details: [detail] } : {};
    const said = await envelopeBy({ ...chain, first: { scope, ...limits }, last: { scope } });
    const items = amounts.map((amount) => ({ params: payment(amount) }));
    const envelope = {
      ...said,
      type: ALONE,
      max_uses: items.length,
      params: { order: 'any', items },
    };
    const { ledger } = chain;
    const outcome = await ledger.submit('request', ledger.requestFrame(envelope));
    expect(outcome).toEqual(code ?? { status: 'accepted' });
  });

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

  it('D04: has no key of an agent, an executor or a person, and none of them has one of its own', async () => {
    const { ledger, issuer } = await ledgerWith(new TestIssuer(undefined, 'EdDSA'));
    const ssh = new SoftwareSshKey('ssh-ed25519');
    const revoked = new SoftwareSshKey('ssh-ed25519');
    for (const { publicKey, credentialKey } of [ssh, revoked]) {
      const change = sshKeyChange(ledger.bob.id, publicKey, credentialKey.public_key);
      await ledger.change(change as unknown as JsonObject);
    }
    const { credential_id } = revoked.credentialKey;
    await ledger.change({ kind: 'credential-revoked', credential_id });
    const other = new TestIssuer(OTHER_ISSUER);
    const taken = [
      ledger.agent.key.publicKey,
      ledger.executor.key.publicKey,
      ...[ssh, revoked].map(({ publicKey }) => ed25519Spki(publicKey.subarray(-32))),
    ];
    for (const public_key of taken) {
      const change = other.change([], { keys: [{ kid: 'one', alg: 'EdDSA', public_key }] });
      expect(await ledger.change(change).catch(String)).toContain('MEMBER_EXISTS');
    }
    const held = { id: 'bot', public_key: issuer.spki };
    const agent = { ...held, owner: ledger.alice.id, operator: false };
    expect(await ledger.change({ kind: 'agent-enrolled', agent }).catch(String)).toContain(
      'MEMBER_EXISTS',
    );
    const executor = {
      ...held,
      audiences: ['x'],
      interface_digest: ledger.last('ledger-founded').leaf,
    };
    expect(await ledger.change({ kind: 'executor-enrolled', executor }).catch(String)).toContain(
      'MEMBER_EXISTS',
    );
    const point = Buffer.from(issuer.spki, 'base64url').subarray(-32);
    const blob = Buffer.concat([ssh.publicKey.subarray(0, -32), point]);
    const person = sshKeyChange(ledger.alice.id, blob, blob.toString('base64url'));
    expect(await ledger.change(person as unknown as JsonObject).catch(String)).toContain(
      'DUPLICATE_KEY',
    );
    // Two issuers of one provider may sign with the same key.
    const twin = { keys: [{ kid: 'one', alg: 'EdDSA', public_key: issuer.spki }] };
    expect(await ledger.change(other.change([], twin))).toEqual({ status: 'accepted' });
  });
});

function ed25519Spki(point: Uint8Array): string {
  const head = Buffer.from('302a300506032b6570032100', 'hex');
  return Buffer.concat([head, point]).toString('base64url');
}
