import { createHash } from 'node:crypto';
import {
  foundLedger,
  type AgentMember,
  type CedarRule,
  type ConfirmRule,
  type LedgerFounded,
  type LedgerLimits,
  type Member,
  type PersonMember,
  type Policy,
} from '@countersign/binding';
import { formatTimestamp, makeUlid, toBase64url, type Digest } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import type { WebauthnProof } from '@countersign/human-proof';
import { formatVerifierKey } from '@countersign/tlog';
import { bentOf, type Bent } from './bent.ts';
import { companyMembers, groupOf, hasCompany } from './company.ts';
import type { SeededChoice } from './seeded-choice.ts';
import { RP_ID, RP_ID_HASH, WEB_ORIGIN } from './relying-party.ts';
import { hasMakers, modelsOf } from './simulated-maker.ts';
import { coseOf, toyEd25519, toyP256, type ToyKey } from './toy-signature.ts';
import { POLICY_ENGINE } from '../../support/policy-engine.ts';

export const ORIGIN = 'countersign.local/01JD8Z0000000000000000SEED/0';
export const TENANT = 'default';
/** So that a short history is committed to more than once. */
export const LIMITS: Partial<LedgerLimits> = { stateCommitEvery: 5 };
/** So that the quiet hours that some rules have begin soon. */
export const START_MS = Date.parse('2026-11-23T09:00:35.000Z');
export const INTERFACE: Digest = `sha256:${'ab'.repeat(32)}`;
export const AUDIENCE = 'host:build-1';

export interface SimulatedPerson {
  readonly id: string;
  readonly credential: string;
  readonly key: ToyKey;
}

export interface SimulatedHolder {
  readonly id: string;
  readonly key: ToyKey;
}

export interface SimulatedAgent extends SimulatedHolder {
  readonly member: AgentMember;
}

/** Who there is in a simulated ledger, and by which rules they decide. */
export interface Population {
  /** Natural, enrolled; the first owns every agent. */
  readonly persons: readonly SimulatedPerson[];
  /** A role with a credential, which must never decide anything. */
  readonly role: SimulatedPerson;
  readonly agents: readonly SimulatedAgent[];
  readonly executors: readonly SimulatedHolder[];
  readonly approvals: number;
  /** Whether they work for a company that says who is in which group. */
  readonly isCompany: boolean;
  readonly bent: Bent;
  /** Whether rules may name models of keys. */
  readonly hasMakers: boolean;
  readonly founding: LedgerFounded;
  readonly logKey: ToyKey;
  readonly vkey: string;
}

function personOf(name: string, serial: number): SimulatedPerson {
  const key = toyP256(name);
  const credential = createHash('sha256').update(`credential ${name}`).digest('base64url');
  return { id: `prs_${makeUlid(START_MS, serialBytes(serial))}`, credential, key };
}

export function serialBytes(serial: number): Uint8Array {
  const bytes = new Uint8Array(10);
  new DataView(bytes.buffer).setUint32(6, serial);
  return bytes;
}

export function credentialMember(person: SimulatedPerson): Member {
  return {
    kind: 'credential',
    id: person.credential,
    person: person.id,
    public_key: coseOf(person.key),
    rp_id: RP_ID,
    backup_eligible: false,
  };
}

function personMembers(person: SimulatedPerson, personClass: PersonMember['class']): Member[] {
  return [{ kind: 'person', id: person.id, class: personClass }, credentialMember(person)];
}

function agentOf(id: string, owner: string, more: Partial<AgentMember> = {}): SimulatedAgent {
  const key = toyEd25519(id);
  const member: AgentMember = {
    kind: 'agent',
    id,
    key_thumbprint: key.thumbprint,
    public_key: key.publicKey,
    owner,
    operator: false,
    ...more,
  };
  return { id, key, member };
}

function executorMember({ id, key }: SimulatedHolder): Member {
  return {
    kind: 'executor',
    id,
    key_thumbprint: key.thumbprint,
    public_key: key.publicKey,
    audiences: [AUDIENCE],
    interface_digest: INTERFACE,
  };
}

/** Of its persons the last two, or the last one, have a seat of their own, where a rule has seats. */
export function policyFor(
  random: SeededChoice,
  {
    approvals,
    persons,
    isCompany,
    hasMakers: isAttested,
  }: Pick<Population, 'approvals' | 'persons' | 'isCompany' | 'hasMakers'>,
): Policy {
  const rationale = random.chance(0.5) ? 'required' : 'optional';
  const decideWithinS = random.between(20, 300);
  const useWithinS = random.between(20, 300);
  const drawn = {
    id: 'default',
    approvals,
    approvers: 'any',
    proof_classes: ['uv'],
    rationale,
    decide_within_s: decideWithinS,
    use_within_s: useWithinS,
    start_within_s: random.between(1, 30),
    max_uses: random.between(1, 3),
    // Of numbers that are drawn anyway: one draw more would make another history of every seed.
    ...(decideWithinS % 3 === 0 && { device_bound: true as const }),
    ...(isAttested && modelsOf(useWithinS)),
  } as const;
  const rule = { ...drawn, ...(isCompany && groupOf(drawn.use_within_s)) };
  const limits = askingOf(rule);
  if (rule.use_within_s % 3 === 0) {
    const types = ['generic.command', 'payment.grant', 'batch.generic.command'];
    return { v: 'countersign.policy.v1', rules: [{ ...drawn, ...limits, types }] };
  }
  return {
    v: 'countersign.policy.v3',
    cedar: CEDAR,
    groups: {},
    rules: [
      { ...rule, ...limits },
      { ...rule, ...OWN_TOOL, id: 'own-tool' },
      { ...rule, ...GLASS, id: 'glass' },
      { ...rule, ...turnsOf(rule, persons), ...escalationOf(rule, persons), id: 'turns' },
    ],
  };
}

/** In some histories people are not to be asked so often, for so many at once, or in four minutes of every ten. */
function askingOf({
  decide_within_s: decideWithinS,
  start_within_s: drawn,
}: Pick<CedarRule, 'decide_within_s' | 'start_within_s'>): Pick<CedarRule, 'asking'> {
  if (decideWithinS % 5 < 3) return {};
  const quiet = Array.from({ length: 6 }, (_, i) => ({ from: `09:${i}1`, to: `09:${i}5` }));
  return [
    { asking: { prompts_1h_max: 2 + (drawn % 4) } },
    { asking: { open_max: 1 + (drawn % 2) } },
    { asking: { quiet_utc: quiet } },
  ][drawn % 3] as Pick<CedarRule, 'asking'>;
}

/** What the rule for commands has of its own: nothing, seats, an order of them within a time, or a text to type. */
function turnsOf(
  {
    start_within_s: drawn,
    use_within_s: windowS,
  }: Pick<CedarRule, 'start_within_s' | 'use_within_s'>,
  persons: readonly Pick<SimulatedPerson, 'id'>[],
): Partial<CedarRule> {
  const seatOf = (last: number): Pick<CedarRule, 'seats'> => {
    const approvers = persons.slice(-last).map(({ id }) => id);
    return { seats: [{ approvers: approvers.sort(), count: 1 }] };
  };
  // Of a number that is drawn anyway, as above.
  return [{}, seatOf(2), { ...seatOf(1), ordered: true, window_s: windowS }, { confirm: TYPED }][
    drawn % 4
  ] as Partial<CedarRule>;
}

/** In some histories commands that the others leave waiting go on to the last person. */
function escalationOf(
  { approvals, ...drawn }: Pick<CedarRule, 'approvals' | 'start_within_s' | 'decide_within_s'>,
  persons: readonly Pick<SimulatedPerson, 'id'>[],
): Partial<CedarRule> {
  const first = persons.slice(0, -1).map(({ id }) => id);
  const last = persons.slice(-1).map(({ id }) => id);
  // The owner of the agents is one of the first, and never decides.
  if (drawn.start_within_s % 8 !== 4 || first.length - 1 < approvals) return {};
  const after_s = Math.floor(drawn.decide_within_s / 3);
  return { approvers: first, escalation: { after_s, approvers: last } };
}

/** Of /srv. */
const TYPED: ConfirmRule = { field: '/cwd', last: 3 };

/** What the second rule of a policy in Cedar has of its own. */
export const OWN_TOOL = { rationale: 'required', use_within_s: 40 } as const;

/** What the rule for emergencies has of its own. */
const GLASS = {
  approvals: 1,
  rationale: 'required',
  max_uses: 1,
  break_glass: { review_within_s: 60 },
} as const;

/** A person's own tool needs more than another agent, and whoever answers for an agent never decides what it asks. */
const CEDAR = `@id("command") @rule("default")
permit (principal, action == Action::"ask", resource)
when { ["generic.command", "payment.grant", "batch.generic.command"].contains(resource.type) };

@id("own-tool") @rule("own-tool")
permit (principal, action == Action::"ask", resource)
when { ["generic.command", "payment.grant", "batch.generic.command"].contains(resource.type) && principal has person };

@id("turns") @rule("turns")
permit (principal, action == Action::"ask", resource is generic::command_v1)
unless { principal has person };

@id("emergency") @rule("glass")
permit (principal, action == Action::"ask", resource is emergency::command_v1);

@id("never-its-owner")
forbid (principal, action == Action::"decide", resource)
when { principal == resource.agent.owner };
`;

export function populate(random: SeededChoice, seed: number): Population {
  const isCompany = hasCompany(seed);
  const approvals = random.weighted({ '1': 5, '2': 4, '3': 1 });
  const separation = random.chance(0.6) ? 'full' : 'solo';
  const persons = ['ada', 'ben', 'cleo', 'dan', 'eve']
    .slice(0, Number(approvals) + random.between(1, 3))
    .map((name, serial) => personOf(name, serial));
  const role = personOf('oncall', 99);
  const [owner, other] = persons;
  if (owner === undefined || other === undefined) throw new RangeError('expected two persons');
  const agents = [
    agentOf('operator', owner.id, { operator: true }),
    agentOf('deployer', owner.id),
    // A person's own tool: that person asks, and may not approve.
    agentOf('own-tool', owner.id, { person: other.id }),
  ];
  const executors = ['build-1', 'build-2'].map((id) => ({ id, key: toyEd25519(id) }));
  const logKey = toyEd25519('log');
  const vkey = formatVerifierKey({ name: ORIGIN, algorithm: 'ed25519', publicKey: logKey.spki });
  const known = {
    ...{ persons, approvals: Number(approvals) },
    ...{ isCompany, hasMakers: hasMakers(seed) && !isCompany },
  };
  const founding = foundLedger({
    at: formatTimestamp(START_MS),
    origin: ORIGIN,
    tenant: TENANT,
    separation,
    demo: false,
    rps: [{ id: RP_ID, origins: [WEB_ORIGIN] }],
    logKeys: [vkey],
    members: [
      ...persons.flatMap((person) => personMembers(person, 'natural')),
      ...personMembers(role, 'role'),
      ...agents.map(({ member }) => member),
      ...executors.map(executorMember),
      ...(isCompany ? companyMembers(persons) : []),
      ...BUILTIN_DESCRIPTORS.map((each): Member => ({
        kind: 'descriptor',
        id: `${each.type}/${each.typeVersion}`,
        digest: each.digest,
      })),
    ],
    policy: policyFor(random, known),
    // One of the persons has lost the key, so there is always somebody else to sign for it.
    recovery: { quorum: Math.min(2, persons.length - 1), delay_h: 1 },
    policyEngine: POLICY_ENGINE,
  });
  return { ...known, bent: bentOf(seed), role, agents, executors, founding, logKey, vkey };
}

const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const SYNCED = 0x18;

export interface AssertionMade {
  readonly isVerified?: boolean;
  readonly isSynced?: boolean;
}

/** An assertion as an authenticator makes it. */
export function assertionOf(
  person: SimulatedPerson,
  challenge: Uint8Array,
  { isVerified = true, isSynced = false }: AssertionMade = {},
): WebauthnProof {
  const flags = USER_PRESENT | (isVerified ? USER_VERIFIED : 0) | (isSynced ? SYNCED : 0);
  const authenticatorData = Buffer.concat([RP_ID_HASH, Buffer.of(flags, 0, 0, 0, 0)]);
  const clientData = Buffer.from(
    `{"type":"webauthn.get","challenge":"${toBase64url(challenge)}","origin":"${WEB_ORIGIN}","crossOrigin":false}`,
  );
  const message = Buffer.concat([
    authenticatorData,
    createHash('sha256').update(clientData).digest(),
  ]);
  return {
    kind: 'webauthn',
    credential_id: person.credential,
    authenticator_data: authenticatorData.toString('base64url'),
    client_data_json: clientData.toString('base64url'),
    signature: Buffer.from(person.key.sign(message)).toString('base64url'),
  };
}
