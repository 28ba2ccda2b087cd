import { DEFAULT_BOOTSTRAP, type CedarPolicy, type RequestAdmitted } from '@countersign/binding';
import {
  digestBytes,
  formatTimestamp,
  utf8,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { SignJWT } from 'jose';
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { CaseHead, EvidenceCase, EvidenceFile } from './evidence-case.ts';
import { readyLedger, TENANT, type ActionOptions, type LedgerForge } from './ledger-forge.ts';
import { askedBatch, BATCH_RULES, paymentItem } from './batch-cases.ts';
import { file } from './valid-cases.ts';

type Alg = 'ES256' | 'EdDSA' | 'RS256';

const ISSUER = 'https://login.acme.example';
const PLANNER = 'svc:planner';
const AGENT = 'agent:fixer/1';
/** 2026-11-22T17:00:00Z: an hour after the founding. */
const EXP = 1_795_366_800;
const ENDS = formatTimestamp(EXP * 1_000);

interface Chained {
  readonly alg?: Alg;
  /** In place of one command. */
  readonly asked?: ActionOptions;
  /** Claims in place of those of one link. */
  readonly first?: JsonObject;
  readonly last?: JsonObject;
  /** Who signs the last link in place of the issuer. */
  readonly isForged?: true;
  readonly admission?: Partial<RequestAdmitted>;
  readonly envelope?: (honest: JsonObject) => JsonObject;
  /** The ledger leaves the chain out. */
  readonly isUnsaid?: true;
  readonly isErased?: true;
  readonly isRevoked?: true;
}

function keyPair(alg: Alg): { privateKey: KeyObject; publicKey: KeyObject } {
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return alg === 'EdDSA'
    ? generateKeyPairSync('ed25519')
    : generateKeyPairSync('rsa', { modulusLength: 2_048 });
}

function thumbprintOf({ agent }: LedgerForge): string {
  const x = Buffer.from(agent.spki.subarray(12)).toString('base64url');
  const jwk = `{"crv":"Ed25519","kty":"OKP","x":"${x}"}`;
  return createHash('sha256').update(jwk).digest('base64url');
}

function issuer(ledger: LedgerForge, alg: Alg, publicKey: KeyObject): JsonObject {
  const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64url');
  return {
    kind: 'issuer-enrolled',
    issuer: {
      id: ISSUER,
      keys: [{ kid: 'one', alg, public_key: spki }],
      persons: [{ sub: 'carol@acme.example', person: ledger.carol.id }],
      services: 'svc:',
    },
  };
}

async function token(alg: Alg, key: KeyObject, claims: JsonObject): Promise<string> {
  const whole = { iss: ISSUER, sub: 'carol@acme.example', aud: TENANT, exp: EXP, ...claims };
  return new SignJWT({ scope: 'generic.command', ...whole })
    .setProtectedHeader({ alg, kid: 'one' })
    .sign(key);
}

/** Carol lets a service act for her, which lets the agent act; Bob approves. */
async function chained(said: Chained = {}): Promise<EvidenceFile> {
  const { alg = 'ES256' } = said;
  const ledger = readyLedger(said.asked && { policy: BATCH_RULES });
  const { privateKey, publicKey } = keyPair(alg);
  ledger.change(issuer(ledger, alg, publicKey), { approvers: [ledger.bob] });
  const last = {
    act: { sub: AGENT, act: { sub: PLANNER } },
    cnf: { jkt: thumbprintOf(ledger) },
    ...said.last,
  };
  const forger = said.isForged === true ? keyPair(alg).privateKey : privateKey;
  const tokens = [
    await token(alg, privateKey, { act: { sub: PLANNER }, ...said.first }),
    await token(alg, forger, last),
  ];
  const named = [
    { kind: 'person', sub: ledger.carol.id },
    { kind: 'service', sub: PLANNER },
  ].map((each, index) => ({
    ...each,
    grant_digest: digestBytes('countersign/grant/v1', utf8(tokens[index] ?? '')),
  }));
  const honest = { delegation: tokens, acting_for: named as unknown as Json };
  const envelope = said.envelope?.(honest) ?? honest;
  if (said.isRevoked === true) {
    ledger.change({ kind: 'issuer-revoked', id: ISSUER }, { approvers: [ledger.bob] });
  }
  const bound = ledger.bind(
    {
      ...said.asked,
      envelope: { ...said.asked?.envelope, ...envelope },
      isUnchained: said.isUnsaid ?? false,
      admission: { not_after: ENDS, ...said.admission },
    },
    { approvers: [ledger.bob] },
  );
  if (said.isErased !== true) return file(ledger, bound);
  const erased = ledger.erase(bound);
  return { evidence: await ledger.evidence(bound, { erased }), trust: ledger.trust() };
}

function made(head: CaseHead, said: Chained = {}): EvidenceCase {
  return { ...head, make: () => chained(said) };
}

/** A chain that lets these payments be asked for together. */
function batched(scope: string, amounts: readonly string[]): Chained {
  const details = { type: 'payment.transfer', max: { '/amount/amount': '100.00' } };
  return {
    asked: askedBatch('any', amounts.map(paymentItem)),
    first: { scope, authorization_details: [details] },
    last: { scope },
  };
}

/** Links that allow a batch of payments, and no payment. */
function ofBatch(): Chained {
  const scope = 'batch.payment.transfer';
  return { first: { scope }, last: { scope } };
}

const BOTH = 'payment.transfer batch.payment.transfer';

const only = (cwd: string): JsonObject => ({
  authorization_details: [{ type: 'generic.command', only: { '/cwd': [cwd] } }],
});

export const DELEGATION_CASES: readonly EvidenceCase[] = [
  made({ name: 'delegation-es256', about: 'Two links of a delegation, signed with ES256.' }),
  made(
    { name: 'delegation-eddsa', about: 'Two links of a delegation, signed with Ed25519.' },
    { alg: 'EdDSA' },
  ),
  made(
    { name: 'delegation-rs256', about: 'Two links of a delegation, signed with RS256.' },
    { alg: 'RS256' },
  ),
  made(
    { name: 'delegation-limited', about: 'The first link names the folder that the action has.' },
    { first: only('/opt/app') },
  ),
  made(
    {
      name: 'delegation-batch',
      about: 'Both links allow the batch, and the first each of its items.',
    },
    batched(BOTH, ['100.00', '99.99']),
  ),
  {
    name: 'sponsor',
    about: 'The agent has a sponsor, who is excluded like its owner.',
    make: () => sponsored(({ carol }) => carol, undefined, []),
  },
  made(
    { name: 'delegation-erased', about: 'The chain is erased with the action; its digests stay.' },
    { isErased: true },
  ),
];

function invalid(name: string, about: string, said: Chained): EvidenceCase {
  return made({ name, about, code: 'DELEGATION_INVALID' }, said);
}

const wide = (max: string): JsonObject => ({
  authorization_details: [{ type: 'generic.command', max: { '/cwd': max } }],
});

/** A ledger that admits them all the same. */
export const FALSE_DELEGATION_CASES: readonly EvidenceCase[] = [
  invalid('delegation-forged', 'The last link is signed with a key of somebody else.', {
    isForged: true,
  }),
  invalid('delegation-forged-act', 'The last link names another actor before than the first.', {
    last: { act: { sub: AGENT, act: { sub: 'svc:other' } } },
  }),
  invalid('delegation-other-agent', 'The last link is for another agent.', {
    last: { act: { sub: 'agent:other', act: { sub: PLANNER } } },
  }),
  invalid('delegation-other-key', 'The last link is for another key.', {
    last: { cnf: { jkt: 'A'.repeat(43) } },
  }),
  invalid('delegation-widened', 'The last link allows a type more than the first.', {
    last: { scope: 'generic.command key.rotate' },
  }),
  invalid('delegation-widened-limit', 'The last link has a higher limit than the first.', {
    first: wide('10.00'),
    last: wide('10.01'),
  }),
  invalid('delegation-longer', 'The last link lasts longer than the first.', {
    last: { exp: EXP + 1 },
  }),
  invalid('delegation-expired', 'Both links had ended when the request was admitted.', {
    first: { exp: 1_795_363_200 },
    last: { exp: 1_795_363_200 },
  }),
  invalid('delegation-other-ledger', 'The first link is for another ledger.', {
    first: { aud: 'globex' },
  }),
  invalid('delegation-nobody', 'The subject is nobody whom the issuer is known to name.', {
    first: { sub: 'mallory' },
    last: { sub: 'mallory' },
  }),
  invalid('delegation-too-long', 'The chain has five links.', {
    envelope: (honest) => ({
      ...honest,
      delegation: Array.from({ length: 5 }, () => (honest['delegation'] as string[])[0] ?? ''),
    }),
  }),
  invalid('delegation-other-person', 'The action names another person than the chain.', {
    envelope: (honest) => {
      const [, ...rest] = honest['acting_for'] as JsonObject[];
      const stranger = { kind: 'person', sub: 'prs_01JDA5C8000000000000000002' };
      return { ...honest, acting_for: [stranger, ...rest] };
    },
  }),
  invalid('delegation-no-issuer', 'The issuer was revoked before the request was admitted.', {
    isRevoked: true,
  }),
  invalid('delegation-outlived', 'What was admitted may run after the chain has ended.', {
    admission: { not_after: formatTimestamp(EXP * 1_000 + 1) },
  }),
  invalid('delegation-left-out', 'The admission does not say that there was a chain.', {
    isUnsaid: true,
  }),
  made(
    {
      name: 'delegation-exceeded',
      about: 'The first link names another folder than the action has.',
      code: 'DELEGATION_EXCEEDED',
    },
    { first: only('/srv') },
  ),
  made(
    {
      name: 'delegation-batch-exceeded',
      about: 'One item of the batch is of more than the first link allows for one.',
      code: 'DELEGATION_EXCEEDED',
    },
    batched(BOTH, ['100.00', '100.01']),
  ),
  made(
    {
      name: 'delegation-batch-alone',
      about: 'The links allow the batch, and not the type of its items.',
      code: 'DELEGATION_EXCEEDED',
    },
    { ...batched(BOTH, ['1.00']), ...ofBatch() },
  ),
  {
    name: 'delegation-required',
    about: 'The rule wants a chain, and the action has none.',
    code: 'DELEGATION_INVALID',
    make: () => {
      const ledger = readyLedger();
      const rule = { ...DEFAULT_BOOTSTRAP, id: 'chained', delegation: 'required' } as const;
      const policy: CedarPolicy = {
        v: 'countersign.policy.v3',
        cedar: '@id("any") @rule("chained") permit (principal, action, resource);',
        groups: {},
        rules: [rule],
      };
      const change = { kind: 'policy-set', policy } as unknown as JsonObject;
      ledger.change(change, { approvers: [ledger.bob] });
      ledger.pretendPolicy(policy);
      const asked = { rule, admission: { permits: ['any'] } };
      return file(ledger, ledger.bind(asked, { approvers: [ledger.bob] }));
    },
  },
  {
    name: 'sponsor-approved',
    about: 'The sponsor of the agent approved, whom the admission does not exclude.',
    code: 'ADMISSION_MISMATCH',
    make: () => sponsored(({ bob }) => bob),
  },
  {
    name: 'sponsor-left-out',
    about: 'The admission does not say who sponsors the agent.',
    code: 'AGENT_MISMATCH',
    make: () =>
      sponsored(
        ({ carol }) => carol,
        (agent) => ({ ...agent, sponsor: agent.owner }),
      ),
  },
];

function sponsored(
  approver: (ledger: LedgerForge) => LedgerForge['bob'],
  agentOf?: (agent: RequestAdmitted['agent']) => RequestAdmitted['agent'],
  excluded?: RequestAdmitted['excluded'],
): Promise<EvidenceFile> {
  const ledger = readyLedger();
  const change = { kind: 'agent-sponsored', agent: AGENT, sponsor: ledger.bob.id };
  ledger.change(change, { approvers: [ledger.carol] });
  const { alice, bob, agent } = ledger;
  const own = { id: AGENT, key_thumbprint: agent.thumbprint, owner: alice.id, sponsor: bob.id };
  const all = [alice, bob].map(({ id: person }) => ({ person, code: 'OWNER_APPROVAL' }) as const);
  const bound = ledger.bind(
    {
      admission: {
        ...(agentOf !== undefined && { agent: agentOf(own) }),
        ...(excluded !== undefined && { excluded: all }),
      },
    },
    { approvers: [approver(ledger)] },
  );
  return file(ledger, bound);
}
