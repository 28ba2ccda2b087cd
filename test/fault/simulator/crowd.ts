import { createHash } from 'node:crypto';
import {
  LEDGER_EXECUTOR,
  authenticate,
  decide,
  decisionChallenge,
  decisionDigest,
  enrolmentPayload,
  isQuarantined,
  rationaleDigest,
  signedMessage,
  type DecisionStatement,
  type EnrolmentStatement,
  type Leaf,
  type RequestAdmitted,
  type Verdict,
} from '@countersign/binding';
import { BrokerError } from '@countersign/broker';
import {
  canonicalBytes,
  canonicalText,
  formatTimestamp,
  fromUtf8,
  makeUlid,
  toBase64url,
  toHex,
  utf8,
  type Digest,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS, parseAction } from '@countersign/descriptors';
import { encodePublic, type PublicTopic } from '@countersign/wire';
import { changeType } from '../../support/change-type.ts';
import { BATCH_TYPE, someBatch, someItem } from './batch-choice.ts';
import { ISSUER, OTHER_ISSUER, issuerWith, subjectIn, type KeyNumber } from './company.ts';
import { CompanyTokens } from './company-tokens.ts';
import { someChoice, someGrant } from './grant-choice.ts';
import {
  AUDIENCE,
  INTERFACE,
  ORIGIN,
  TENANT,
  assertionOf,
  policyFor,
  serialBytes,
  type SimulatedAgent,
  type SimulatedHolder,
  type SimulatedPerson,
  type AssertionMade,
} from './population.ts';
import { isReviewable, someReview } from './review-choice.ts';
import type { OracleAction } from './rule-oracle.ts';
import type { SeededChoice } from './seeded-choice.ts';
import type { Frame } from './signed-truth.ts';
import {
  coseOf,
  toyEd25519,
  toyFrame,
  toyP256,
  verifyToySignature,
  type ToyKey,
} from './toy-signature.ts';
import { inputOf, type World } from './world.ts';

/** Takes an input to the ledger, by whatever process is there; false when there is none. */
export type Submit = (frame: Frame) => Promise<void>;

/** Somebody who was invited, and has not yet enrolled. */
interface Invited {
  readonly person: SimulatedPerson;
  readonly invitation: ToyKey;
}

const PUBLIC_TOPICS: Readonly<Record<string, PublicTopic>> = {
  request: 'action-requested',
  decision: 'decision-made',
  use: 'use-claimed',
  report: 'execution-reported',
  finding: 'finding-submitted',
};

function digestOfType(wanted: string): string {
  return BUILTIN_DESCRIPTORS.find(({ type }) => type === wanted)?.digest ?? '';
}

const RETRIES_MAX = 3;

/** So many ids of requests, uses and guests. */
const RECOVERY_EVERY = 16;

const RECOVERIES: ReadonlySet<string> = new Set(['authority.recovery', 'authority.cancel']);

type Deed =
  | 'request'
  | 'conflict'
  | 'change'
  | 'decide'
  | 'misdecide'
  | 'early'
  | 'revoke'
  | 'use'
  | 'misuse'
  | 'race'
  | 'report'
  | 'find'
  | 'erase'
  | 'enrol'
  | 'again'
  | 'junk';

/** A freeze ends all that is open, and little would come to a use if there were many. */
const CHANGES = { revoke: 6, policy: 6, agent: 4, dismiss: 2, invite: 6, freeze: 2, sponsor: 3 };

const DEEDS: Readonly<Record<Deed, number>> = {
  request: 20,
  conflict: 3,
  change: 5,
  decide: 34,
  misdecide: 8,
  early: 5,
  revoke: 4,
  use: 18,
  misuse: 3,
  race: 6,
  report: 8,
  find: 3,
  erase: 4,
  enrol: 3,
  again: 12,
  junk: 4,
};

/** Agents, persons, executors and liars, who look at the log and do what comes to their mind. */
export class Crowd {
  readonly #world: World;
  readonly #submit: Submit;
  readonly #sent: Frame[] = [];
  readonly #invited: Invited[] = [];
  /** Who has a deputy, or had one, and whom. */
  readonly #away = new Map<string, string>();
  readonly #tokens: CompanyTokens;
  /** That the company signs with. */
  #companyKey: KeyNumber = 1;
  readonly #persons: SimulatedPerson[];
  readonly #agents: SimulatedAgent[];
  #serial = 0;
  /** That were asked for. */
  #recoveries = 0;

  constructor(world: World, submit: Submit) {
    this.#world = world;
    this.#submit = submit;
    this.#persons = [...world.population.persons];
    this.#agents = [...world.population.agents];
    this.#tokens = new CompanyTokens(world.random, world.truth);
  }

  /** Begins one thing; answers what. */
  act(): string {
    if (this.#switch()) return 'switch';
    if (this.#review()) return 'review';
    if (this.#tighten()) return 'tighten';
    if (this.#recover()) return 'recover';
    if (this.#standIn()) return 'stand-in';
    if (this.#world.population.isCompany && this.#work()) return 'work';
    for (let tries = 0; tries < 4; tries += 1) {
      const deed = this.#someDeed();
      if (!this.#do(deed)) continue;
      this.#world.count(`deed ${deed}`);
      return deed;
    }
    return 'nothing';
  }

  /** Somebody presses the switch while something can still be used, and back again; whoever is there signs for it soon. */
  #switch(): boolean {
    const { random, rules } = this.#world;
    const { isFrozen, epoch } = rules.freeze;
    const all = [...rules.actions.values()];
    const type = isFrozen ? 'authority.thaw' : 'authority.freeze';
    const asked = all.find(
      ({ status, admission }) => status === 'pending' && admission.action_type.name === type,
    );
    if (asked !== undefined) {
      if (!random.chance(isFrozen ? 0.6 : 0.4)) return false;
      return this.#send(this.#decision(this.#person(), asked, { verdict: 'approve' }));
    }
    if (isFrozen) return random.chance(0.4) && this.#change({ kind: 'thawed', epoch });
    return all.some(isUsable) && random.chance(0.04) && this.#change({ kind: 'frozen' });
  }

  /** Somebody asks for another policy while something can be used, and whoever is there signs for it soon. */
  #tighten(): boolean {
    const { random, rules } = this.#world;
    const all = [...rules.actions.values()];
    const asked = all.find(
      ({ status, admission }) =>
        status === 'pending' && admission.action?.includes('"kind":"policy-set"') === true,
    );
    if (asked === undefined) {
      return all.some(isUsable) && random.chance(0.04) && this.#change(this.#policySet());
    }
    return random.chance(0.5) && this.#signFor(asked);
  }

  #policySet(): JsonObject {
    const { random, population } = this.#world;
    return { kind: 'policy-set', policy: policyFor(random, population) as unknown as Json };
  }

  /** At a company people come into its groups and leave them, and what is pinned of it changes; whoever is there signs for it soon. */
  #work(): boolean {
    const { random, rules, population } = this.#world;
    const all = [...rules.actions.values()];
    const asked = all.find(({ status, admission }) => {
      const { name } = admission.action_type;
      return status === 'pending' && (name === 'authority.issuer' || name === 'authority.identity');
    });
    if (asked !== undefined) return random.chance(0.85) && this.#signFor(asked);
    if (random.chance(0.06)) {
      this.#world.count(`somebody ${this.#tokens.move(random.of(population.persons))}`);
      return true;
    }
    const open = all.find((action) => action.status === 'pending' && isOfCompany(action));
    if (open !== undefined && random.chance(0.3)) return this.#sayAtCompany(open);
    const bound = all.find((action) => isUsable(action) && isOfMembers(action));
    const [stray] = rules.company.strays;
    const isLost = stray !== undefined || !rules.company.isPinned;
    if (bound !== undefined && random.chance(0.5)) {
      return isLost ? this.#use(bound, '1') : this.#change(this.#loss(bound));
    }
    if (isLost && random.chance(0.9)) {
      return this.#change(stray === undefined ? this.#pin() : tie(stray, ISSUER));
    }
    const isVouchedOnly = open !== undefined && !isOfMembers(open);
    return (
      isVouchedOnly && random.chance(0.6) && this.#change({ kind: 'issuer-revoked', id: ISSUER })
    );
  }

  /** Whoever may decide it, and has not yet. */
  #sayAtCompany(action: OracleAction): boolean {
    const { random, population } = this.#world;
    const out = new Set(action.admission.excluded.map(({ person }) => person));
    for (const { person } of action.approvals.values()) out.add(person);
    const [owner] = population.persons;
    const others = population.persons.filter((each) => each !== owner && !out.has(each.id));
    const person = random.ofOrNone(others);
    return person !== undefined && this.#decide(action, person);
  }

  /** What takes the ground away from approvals. */
  #loss({ binding }: OracleAction): JsonObject {
    const { random } = this.#world;
    const [approver] = binding?.entry.decisions ?? [];
    const isOfAll = approver === undefined || random.chance(0.5);
    return isOfAll ? { kind: 'issuer-revoked', id: ISSUER } : tie(approver.person, OTHER_ISSUER);
  }

  /** Mostly with another key: what the one before has signed is of nobody then. */
  #pin(): JsonObject {
    const { random, population } = this.#world;
    if (random.chance(0.7)) this.#companyKey = this.#companyKey === 1 ? 2 : 1;
    const issuer = issuerWith(this.#companyKey, population.persons) as unknown as Json;
    return { kind: 'issuer-enrolled', issuer };
  }

  /** Now of the company, by its clock. */
  get #atCompany(): { readonly nowMs: number; readonly key: KeyNumber } {
    return { nowMs: this.#world.time.nowMs, key: this.#companyKey };
  }

  /** Emergencies are looked at soon after; whoever had a part in one tries it too. */
  #review(): boolean {
    const { random, rules, time } = this.#world;
    const all = [...rules.actions.values()];
    const open = all.filter((action) => !action.isReviewed && isReviewable(action, time.nowMs));
    const [first] = open;
    if (first === undefined || !random.chance(0.7)) return false;
    const asked = all.find(
      ({ status, admission }) =>
        status === 'pending' && admission.action_type.name === 'authority.review',
    );
    return asked === undefined ? this.#change(someReview(random, first)) : this.#signFor(asked);
  }

  /** Somebody lost a key, or says so; whoever is there signs for it soon. Begun by a number that is counted anyway, as emergencies are. */
  #recover(): boolean {
    const { random, rules, time } = this.#world;
    const asked = [...rules.actions.values()].find(
      ({ status, admission }) => status === 'pending' && RECOVERIES.has(admission.action_type.name),
    );
    if (asked !== undefined) return random.chance(0.15) && this.#signFor(asked);
    const [pending] = rules.recoveries.pending;
    if (pending !== undefined) {
      const [invitation, { person, opensMs }] = pending;
      if (opensMs < time.nowMs) return random.chance(0.5) && this.#enrol(invitation);
      if (!random.chance(0.12)) return false;
      return this.#change({ kind: 'recovery-cancelled', person, invitation });
    }
    if (this.#serial < RECOVERY_EVERY * (this.#recoveries + 0.5)) return false;
    this.#recoveries += 1;
    return this.#change(this.#recovery());
  }

  /** Whom a rule names is away, and somebody whom it does not name decides in their place soon, and at times too late. */
  #standIn(): boolean {
    const { random, rules, time } = this.#world;
    const open = [...rules.actions.values()].filter(({ status }) => status === 'pending');
    const asked = open.find(({ admission }) => admission.action?.includes('"deputy-') === true);
    if (asked !== undefined) return random.chance(0.5) && this.#signFor(asked);
    for (const action of open) {
      const { approvers } = action.admission.requirement;
      const deputy = this.#persons.find((person) => isOutside(action, person.id));
      if (approvers === 'any' || deputy === undefined) continue;
      const principal = random.of(approvers);
      if (this.#away.get(principal) === deputy.id) {
        if (!random.chance(0.05)) return random.chance(0.4) && this.#decide(action, deputy);
        this.#away.delete(principal);
        return this.#change({ kind: 'deputy-revoked', principal });
      }
      if (!random.chance(0.4)) return false;
      this.#away.set(principal, deputy.id);
      return this.#change({
        kind: 'deputy-named',
        principal,
        deputy: deputy.id,
        types: ['batch.generic.command', 'generic.command', 'payment.grant'],
        not_before: formatTimestamp(time.nowMs),
        not_after: formatTimestamp(time.nowMs + 60_000 * random.between(1, 30)),
      });
    }
    return false;
  }

  /** Mostly somebody who has not signed yet. */
  #signFor(asked: OracleAction): true {
    const { random } = this.#world;
    const signed = new Set([...asked.approvals.values()].map(({ person }) => person));
    const others = this.#persons.filter(({ id }) => !signed.has(id));
    const person = random.ofOrNone(others) ?? this.#person();
    const verdict = random.chance(0.9) ? 'approve' : 'deny';
    return this.#send(this.#decision(person, asked, { verdict, text: 'I asked her' }));
  }

  /** Of somebody who is known, who tries the link long before it works, too. */
  #recovery(): JsonObject {
    const name = `again-${this.#serial}`;
    const invitation = toyP256(`invitation ${name}`);
    const { id } = this.#person();
    const credential = createHash('sha256').update(`credential ${name}`).digest('base64url');
    this.#invited.push({ person: { id, credential, key: toyP256(name) }, invitation });
    return {
      kind: 'recovery-started',
      person: id,
      invitation: { id: invitation.thumbprint, public_key: invitation.publicKey },
      delay_h: 1,
    };
  }

  /** Whoever has something to run does not wait for the thaw, and goes on trying after it, and by another policy. */
  #someDeed(): Deed {
    const { random, rules } = this.#world;
    if (rules.isRuledAnew && random.chance(0.5)) return 'use';
    if (rules.company.isShaken && random.chance(0.4)) return 'use';
    return rules.freeze.epoch > 0 && random.chance(0.5) ? 'use' : random.weighted(DEEDS);
  }

  #do(deed: Deed): boolean {
    const alone = this.#alone[deed];
    if (alone !== undefined) return alone();
    const action = this.#someAction(deed);
    return action !== undefined && (this.#about[deed]?.(action) ?? false);
  }

  readonly #alone: Readonly<Partial<Record<Deed, () => boolean>>> = {
    request: () => this.#request(),
    conflict: () => this.#conflict(),
    change: () => this.#change(),
    early: () => this.#inBackground(this.#early()),
    enrol: () => this.#enrol(),
    again: () => this.#again(),
    junk: () => this.#junk(),
  };

  readonly #about: Readonly<Partial<Record<Deed, (action: OracleAction) => boolean>>> = {
    decide: (action) => this.#decide(action),
    misdecide: (action) => this.#misdecide(action),
    revoke: (action) => this.#send(this.#decision(this.#person(), action, { verdict: 'revoke' })),
    use: (action) => this.#use(action, this.#world.random.weighted({ '1': 6, '2': 2, '4': 1 })),
    misuse: (action) => this.#misuse(action),
    race: (action) => this.#race(action),
    report: (action) => this.#report(action),
    find: (action) => this.#find(action),
    erase: (action) => this.#erase(action),
  };

  /** Mostly one that is where the deed makes sense, sometimes any. */
  #someAction(deed: Deed): OracleAction | undefined {
    const { random, rules } = this.#world;
    const all = [...rules.actions.values()];
    const fitting = all.filter((action) => FITS[deed]?.(action) ?? true);
    return random.chance(0.85) ? random.ofOrNone(fitting) : random.ofOrNone(all.slice(-12));
  }

  #person(): SimulatedPerson {
    return this.#world.random.of(this.#persons);
  }

  #nowText(offsetMs = 0): string {
    return formatTimestamp(this.#world.time.nowMs + offsetMs);
  }

  #ulid(offsetMs = 0): string {
    this.#serial += 1;
    return makeUlid(this.#world.time.nowMs + offsetMs, serialBytes(this.#serial));
  }

  #request(): boolean {
    const { random } = this.#world;
    const agent = random.of(this.#agents);
    const kind = random.weighted({ grant: 8, batch: 5, command: 9 });
    const plain = this.#envelope(agent);
    const params = plain['params'] as JsonObject;
    const more = {
      grant: () => ({ type: 'payment.grant', params: someGrant(random) }),
      batch: () => someBatch(random, params),
      command: () => ({}),
    }[kind]();
    return this.#send(this.#askFor(agent, this.#asEmergency({ ...plain, ...more })));
  }

  /** At a company often on somebody's behalf, but for emergencies. */
  #askFor(agent: SimulatedAgent, envelope: JsonObject): Frame {
    const { population, random, truth } = this.#world;
    const isDelegated =
      population.isCompany && envelope['type'] !== 'emergency.command' && random.chance(0.4);
    if (!isDelegated) return this.#requestFrame(agent, envelope);
    const chain = this.#tokens.chain(agent, population.persons, this.#atCompany);
    const delegated = { ...envelope, ...chain.members };
    truth.chains.set(parseAction(canonicalBytes(delegated)).digest, chain.truth);
    return this.#requestFrame(agent, delegated);
  }

  /** Now and then, where the policy knows emergencies; by a number that is counted anyway, so that no other draw changes. */
  #asEmergency(envelope: JsonObject): JsonObject {
    const isCommand = envelope['type'] === 'generic.command';
    if (!isCommand || !this.#world.rules.hasGlass || this.#serial % 2 > 0) return envelope;
    const params = envelope['params'] as JsonObject;
    const incident = { system: 'siem', id: 'INC-1' };
    return {
      ...envelope,
      type: 'emergency.command',
      params: { ...params, incident, reason: 'nobody can pay' },
    };
  }

  #envelope(agent: SimulatedAgent, more: JsonObject = {}): JsonObject {
    const { random, population } = this.#world;
    const wish = random.weighted({ plain: 30, executor: 1, late: 1, superseding: 2, skewed: 1 });
    const parent = random.ofOrNone([...this.#world.rules.actions.values()].slice(-8));
    return {
      v: 'countersign.action.v1',
      tenant: TENANT,
      action_id: this.#ulid(wish === 'skewed' ? 600_000 : 0),
      nonce: toBase64url(random.bytes(16)),
      type: 'generic.command',
      type_version: 1,
      agent: { id: agent.id, key_thumbprint: agent.key.thumbprint },
      acting_for: [],
      executor: {
        id: wish === 'executor' ? 'nobody' : random.of(population.executors).id,
        audience: AUDIENCE,
        descriptor_digest: INTERFACE,
      },
      params: {
        argv: ['restart', `unit-${random.below(5)}`],
        cwd: '/srv',
        executable: { path: '/usr/bin/svc', digest: `sha256:${'11'.repeat(32)}` },
        env: [],
        secret_env: [],
        stdin: { kind: 'empty' },
        timeout_s: 60,
      },
      preconditions: [],
      not_after: this.#nowText(wish === 'late' ? -1 : random.between(20_000, 400_000)),
      max_uses: random.between(1, 3),
      ...(wish === 'superseding' && parent !== undefined
        ? { parent_digest: parent.admission.action_digest }
        : {}),
      ...more,
    };
  }

  #requestFrame(agent: SimulatedAgent, envelope: JsonObject): Frame {
    const payload = canonicalBytes(envelope);
    const action = parseAction(payload);
    const { action_id: actionId, type } = action.envelope;
    const { truth } = this.#world;
    truth.actions.set(action.digest, `${actionId} ${agent.id}`);
    if (type === BATCH_TYPE) truth.batches.set(action.digest, action);
    return { kind: 'request', actionId, bytes: toyFrame(agent.key, 'request', payload) };
  }

  /** Another action under an id that is in use. */
  #conflict(): boolean {
    const { random, rules } = this.#world;
    const action = random.ofOrNone([...rules.actions.values()]);
    if (action === undefined) return false;
    const agent = random.of(this.#agents);
    return this.#send(this.#requestFrame(agent, this.#envelope(agent, { action_id: action.id })));
  }

  #change(change: JsonObject = this.#someChange()): boolean {
    const agent = this.#world.random.of(this.#agents);
    const type = changeType(change);
    const envelope = this.#envelope(agent, {
      type,
      params: { change },
      max_uses: 1,
      executor: { id: LEDGER_EXECUTOR, audience: ORIGIN, descriptor_digest: digestOfType(type) },
    });
    return this.#send(this.#requestFrame(agent, envelope));
  }

  #someChange(): JsonObject {
    const { random, rules } = this.#world;
    const { isFrozen, epoch } = rules.freeze;
    if (isFrozen && random.chance(0.85)) return { kind: 'thawed', epoch };
    switch (random.weighted(CHANGES)) {
      case 'freeze':
        return { kind: 'frozen' };
      case 'revoke':
        return { kind: 'credential-revoked', credential_id: this.#person().credential };
      case 'policy':
        return this.#policySet();
      case 'dismiss':
        return { kind: 'agent-revoked', id: random.of(this.#agents).id };
      case 'agent': {
        this.#serial += 1;
        const id = `agent-${this.#serial}`;
        const key = toyEd25519(id);
        const owner = this.#person().id;
        const member = { id, public_key: key.publicKey, owner, operator: false };
        this.#agents.push({
          id,
          key,
          member: { kind: 'agent', key_thumbprint: key.thumbprint, ...member },
        });
        return { kind: 'agent-enrolled', agent: member };
      }
      case 'sponsor': {
        const isNobody = random.chance(0.2);
        const agent = random.of(this.#agents).id;
        return { kind: 'agent-sponsored', agent, ...(!isNobody && { sponsor: this.#person().id }) };
      }
      case 'invite':
        return this.#invitation();
    }
  }

  #invitation(): JsonObject {
    const { random } = this.#world;
    this.#serial += 1;
    const name = `guest-${this.#serial}`;
    const invitation = toyP256(`invitation ${name}`);
    // A guest of ours, or another key of somebody who is known.
    const id = random.chance(0.5) ? `prs_${this.#ulid()}` : this.#person().id;
    const credential = createHash('sha256').update(`credential ${name}`).digest('base64url');
    this.#invited.push({ person: { id, credential, key: toyP256(name) }, invitation });
    return {
      kind: 'person-invited',
      person: id,
      class: 'natural',
      invitation: {
        id: invitation.thumbprint,
        public_key: invitation.publicKey,
        not_after: this.#nowText(random.between(30_000, 3_600_000)),
      },
    };
  }

  #enrol(by?: string): boolean {
    const { random, truth } = this.#world;
    const named = this.#invited.find(({ invitation }) => invitation.thumbprint === by);
    const invited = named ?? random.ofOrNone(this.#invited);
    if (invited === undefined) return false;
    const { person, invitation } = invited;
    const statement: EnrolmentStatement = {
      v: 'countersign.enrolment.v1',
      ledger: ORIGIN,
      tenant: TENANT,
      person: person.id,
      invitation: invitation.thumbprint,
      credential_id: person.credential,
      public_key: coseOf(person.key),
      rp_id: 'localhost',
      backup_eligible: false,
      nonce: toBase64url(random.bytes(16)),
    };
    truth.enrolled.add(person.credential);
    this.#persons.push(person);
    const message = signedMessage('enrolment', enrolmentPayload(statement));
    const signature = toBase64url(invitation.sign(message));
    const isShown = this.#world.population.isCompany && random.chance(0.9);
    const identity = isShown && {
      identity: this.#tokens.account(person, invitation.thumbprint, this.#atCompany),
    };
    const bytes = canonicalBytes({ statement, signature, ...identity } as unknown as Json);
    return this.#send({ kind: 'enrolment', actionId: '', bytes });
  }

  #decide(action: OracleAction, person = this.#person()): boolean {
    const verdict = this.#world.random.chance(0.88) ? 'approve' : 'deny';
    return this.#send(this.#decision(person, action, { verdict }));
  }

  #decision(
    person: SimulatedPerson,
    about: { readonly admission: RequestAdmitted; readonly admissionLeaf: Leaf },
    how: AssertionMade & {
      readonly verdict: Verdict;
      readonly statement?: Partial<DecisionStatement>;
      readonly isForged?: boolean;
      readonly text?: string;
    },
  ): Frame {
    const { random, truth } = this.#world;
    const rationale = {
      text: how.text ?? random.of(['looks right', 'asked the team', '']),
      salt: toBase64url(random.bytes(16)),
    };
    const { admission, admissionLeaf } = about;
    const statement: DecisionStatement = {
      v: 'countersign.decision.v1',
      ledger: ORIGIN,
      tenant: TENANT,
      action_id: admission.action_id,
      admission: admissionLeaf,
      action_digest: admission.action_digest,
      display_digest: admission.display_digest,
      verdict: how.verdict,
      rationale_digest: rationaleDigest(rationale),
      person: person.id,
      credential: person.credential,
      not_after: this.#nowText(random.of([3_000, 60_000, 60_000, 3_600_000, 3_600_000])),
      ...(how.verdict === 'approve' && someTyping(random, admission.confirmation)),
      ...how.statement,
    };
    const isForged = how.isForged === true;
    const proof = assertionOf(person, decisionChallenge(statement), how);
    const signature = isForged ? forgedSignature(random.bytes(4)) : proof.signature;
    if (!isForged) truth.statements.set(decisionDigest(statement), person.id);
    const made = {
      v: 'countersign.decision-made.v1',
      statement,
      proof: { ...proof, signature },
      rationale,
      ...(admission.requirement.member_of !== undefined &&
        this.#tokens.someSignIn(person, this.#persons, this.#atCompany)),
    };
    const bytes = utf8(canonicalText(made as unknown as Json));
    return { kind: 'decision', actionId: statement.action_id, bytes };
  }

  /** A decision that must never count; a synced passkey counts where the rule takes one. */
  #misdecide(action: OracleAction): boolean {
    const { random, rules, population } = this.#world;
    const other = random.of([...rules.actions.values()]);
    const verdict = random.chance(0.7) ? 'approve' : 'revoke';
    const person = this.#person();
    switch (
      random.weighted({
        forged: 4,
        swapped: 2,
        display: 1,
        role: 1,
        up: 1,
        name: 1,
        old: 1,
        synced: 1,
      })
    ) {
      case 'forged':
        return this.#send(this.#decision(person, action, { verdict, isForged: true }));
      case 'swapped':
        return this.#send(
          this.#decision(person, action, {
            verdict,
            statement: { admission: other.admissionLeaf },
          }),
        );
      case 'display': {
        const statement = { display_digest: other.admission.action_digest };
        return this.#send(this.#decision(person, action, { verdict, statement }));
      }
      case 'role':
        return this.#send(this.#decision(population.role, action, { verdict }));
      case 'up':
        return this.#send(this.#decision(person, action, { verdict, isVerified: false }));
      case 'synced':
        return this.#send(this.#decision(person, action, { verdict, isSynced: true }));
      case 'name': {
        const statement = { person: this.#person().id };
        return this.#send(this.#decision(person, action, { verdict, statement }));
      }
      case 'old': {
        const statement = { not_after: this.#nowText(-1_000) };
        return this.#send(this.#decision(person, action, { verdict, statement }));
      }
    }
  }

  /**
   * A decision that overtakes its request (attack row C04). Its author saw an admission that this ledger is
   * going to write if nothing comes between; or one that never comes.
   */
  async #early(): Promise<void> {
    const { random, fold, time, disk } = this.#world;
    const agent = random.of(this.#agents);
    const request = this.#requestFrame(agent, this.#envelope(agent));
    const lastMs = disk.recordsOf('intake').at(-1)?.appendTimeMs ?? 0;
    // The request is under way for a while, in which the decision is held.
    const arrivesMs = Math.max(lastMs, time.brokerNowMs) + random.of([0, 0, 200]);
    const raw = {
      kind: 'request',
      bytes: request.bytes,
      input: inputOf(request.bytes),
      appendTimeMs: arrivesMs,
      offset: 0,
    } as const;
    const input = await authenticate(raw, fold, verifyToySignature);
    if (isQuarantined(input)) return;
    const placed = decide(fold, input).entries.find(
      ({ entry }) => entry.type === 'request-admitted',
    );
    if (placed?.entry.type !== 'request-admitted') return;
    const about = { admission: placed.entry, admissionLeaf: placed.leaf };
    const decision = this.#decision(this.#person(), about, { verdict: 'approve' });
    this.#sent.push(decision, request);
    await this.#deliver(decision);
    time.advance(Math.max(0, arrivesMs - time.brokerNowMs));
    if (random.chance(0.8)) await this.#deliver(request);
  }

  #use(action: OracleAction, times: string): boolean {
    const isOfGrant = action.admission.bounds !== undefined;
    if (isOfGrant && this.#world.random.chance(0.7)) return this.#goOn(action);
    for (let i = 0; i < Number(times); i += 1) this.#send(this.#claim(action));
    return true;
  }

  #claim(action: OracleAction, more: JsonObject = {}, by?: SimulatedHolder): Frame {
    const { population, truth, random } = this.#world;
    const { batch, action_digest: digest } = action.admission;
    const chosen = someChoice(random, action.admission.bounds);
    const asked = truth.batches.get(digest);
    const used = action.uses.size;
    const item = batch && asked && someItem(random, batch, { action: asked, used });
    const version = chosen === undefined ? 'countersign.use.v1' : 'countersign.use.v2';
    const named = population.executors.find(({ id }) => id === action.admission.executor.id);
    const executor = by ?? named ?? random.of(population.executors);
    const payload = canonicalBytes({
      v: item === undefined ? version : 'countersign.use.v3',
      tenant: TENANT,
      action_id: action.id,
      use_id: this.#ulid(),
      action_digest: action.admission.action_digest,
      binding: action.binding?.leaf ?? action.admissionLeaf,
      executor: executor.id,
      claimed_at: this.#nowText(),
      ...(item === undefined ? chosen !== undefined && { chosen } : { item }),
      ...more,
    });
    truth.payloads.set(fromUtf8(payload), executor.id);
    return { kind: 'use', actionId: action.id, bytes: toyFrame(executor.key, 'use', payload) };
  }

  #misuse(action: OracleAction): boolean {
    const { random, population } = this.#world;
    switch (random.weighted({ digest: 1, executor: 1, again: 1, clock: 1 })) {
      case 'digest':
        return this.#send(this.#claim(action, { action_digest: `sha256:${'00'.repeat(32)}` }));
      case 'executor':
        return this.#send(this.#claim(action, {}, random.of(population.executors)));
      case 'again': {
        const used = random.ofOrNone([...action.uses.keys()]);
        return used !== undefined && this.#send(this.#claim(action, { use_id: used }));
      }
      case 'clock':
        return this.#send(this.#claim(action, { claimed_at: this.#nowText(-900_000) }));
    }
  }

  /** Uses and a revocation at the same moment: attack rows C02 and C10. */
  #race(action: OracleAction): boolean {
    const frames = [1, 2, 3].map(() => this.#claim(action));
    frames.splice(
      this.#world.random.below(4),
      0,
      this.#decision(this.#person(), action, { verdict: 'revoke' }),
    );
    for (const frame of frames) this.#send(frame);
    return true;
  }

  #report(action: OracleAction): boolean {
    const { random } = this.#world;
    const useId = random.ofOrNone([...action.uses.keys()]) ?? this.#ulid();
    const result = random.of(['succeeded', 'failed', 'unknown']);
    const frame = this.#reportFrame(action, useId, result);
    return frame !== undefined && this.#send(frame);
  }

  /** An executor that goes on with a grant without having found out what came of a payment: attack row C16. */
  #goOn(action: OracleAction): boolean {
    const useId = this.#ulid();
    this.#send(this.#claim(action, { use_id: useId }));
    const report = this.#reportFrame(action, useId, 'unknown');
    if (report !== undefined) this.#send(report);
    return this.#send(this.#claim(action));
  }

  #reportFrame(action: OracleAction, useId: string, result: string): Frame | undefined {
    const { truth, population } = this.#world;
    const executor = population.executors.find(({ id }) => id === action.admission.executor.id);
    if (executor === undefined) return undefined;
    const payload = canonicalBytes({
      v: 'countersign.report.v1',
      tenant: TENANT,
      action_id: action.id,
      use_id: useId,
      action_digest: action.admission.action_digest,
      executor: executor.id,
      result,
      started_at: this.#nowText(),
      ended_at: this.#nowText(5),
    });
    truth.payloads.set(fromUtf8(payload), executor.id);
    const bytes = toyFrame(executor.key, 'report', payload);
    return { kind: 'report', actionId: action.id, bytes };
  }

  #find(action: OracleAction): boolean {
    const { random, truth } = this.#world;
    const agent = random.chance(0.7) ? this.#agents[0] : random.of(this.#agents);
    if (agent === undefined) return false;
    const isOfUse = random.chance(0.5);
    const payload = canonicalBytes({
      v: 'countersign.finding.v1',
      tenant: TENANT,
      finding: isOfUse ? 'DUPLICATE_EFFECT' : 'UNBOUND_EXECUTION',
      kind: random.of(['payment', 'secret-read']),
      record: { source: 'lines', digest: `sha256:${toHex(random.bytes(32))}` },
      ...(isOfUse && {
        use: {
          action_id: action.id,
          use_id: random.ofOrNone([...action.uses.keys()]) ?? this.#ulid(),
        },
      }),
    });
    truth.payloads.set(fromUtf8(payload), agent.id);
    const bytes = toyFrame(agent.key, 'finding', payload);
    return this.#send({ kind: 'finding', actionId: '', bytes });
  }

  #erase(action: OracleAction): boolean {
    const { random, truth } = this.#world;
    const agent = random.chance(0.85) ? this.#agents[0] : random.of(this.#agents);
    if (agent === undefined) return false;
    const payload = canonicalBytes({
      v: 'countersign.erasure.v1',
      tenant: TENANT,
      action_id: action.id,
      requested_at: this.#nowText(),
      nonce: toBase64url(random.bytes(22)),
    });
    truth.payloads.set(fromUtf8(payload), agent.id);
    const bytes = toyFrame(agent.key, 'erasure', payload);
    return this.#send({ kind: 'erasure', actionId: action.id, bytes });
  }

  /** What was sent before, once more: a client that retries, or a broker that delivers twice. */
  #again(): boolean {
    const { random } = this.#world;
    const frame = random.ofOrNone(random.chance(0.5) ? this.#sent.slice(-5) : this.#sent);
    if (frame === undefined) return false;
    this.#inBackground(this.#deliver(random.chance(0.4) ? respelled(frame) : frame));
    return true;
  }

  #junk(): boolean {
    const { random, disk } = this.#world;
    switch (random.weighted({ intake: 1, topic: 2, log: 2, stranger: 2, route: 1 })) {
      case 'intake':
        disk.append({ topic: 'intake', partition: 0 }, [{ key: 'junk', value: random.bytes(20) }]);
        return true;
      case 'topic': {
        const topic = random.of(Object.values(PUBLIC_TOPICS));
        disk.append({ topic, partition: 0 }, [{ key: 'junk', value: random.bytes(20) }]);
        return true;
      }
      case 'log':
        return this.#junkInLog();
      case 'stranger': {
        const key = toyEd25519('nobody we know');
        const bytes = toyFrame(key, 'request', canonicalBytes({ v: 'x' }));
        this.#inBackground(this.#deliver({ kind: 'request', actionId: this.#ulid(), bytes }));
        return true;
      }
      case 'route': {
        const frame = random.ofOrNone(this.#sent.filter(isRoutedByAction));
        if (frame === undefined) return false;
        this.#publish({ ...frame, actionId: this.#ulid() });
        return true;
      }
    }
  }

  /** Whoever may produce to the log topic may put there what is there already, and what is nothing. */
  #junkInLog(): boolean {
    const { random, disk } = this.#world;
    const old = random.ofOrNone(disk.recordsOf('log'));
    const value = random.chance(0.5) ? old?.value : random.bytes(30);
    disk.append({ topic: 'log', partition: 0 }, [{ key: 'junk', value: value ?? random.bytes(5) }]);
    return true;
  }

  #send(frame: Frame): true {
    this.#sent.push(frame);
    this.#inBackground(this.#deliver(frame));
    return true;
  }

  #inBackground(doing: Promise<void>): true {
    doing.catch((error: unknown) => {
      this.#world.fail('SERVICE_STOPPED', error instanceof Error ? (error.stack ?? '') : 'unknown');
    });
    return true;
  }

  async #deliver(frame: Frame): Promise<void> {
    const { random } = this.#world;
    if (frame.kind in PUBLIC_TOPICS && random.chance(0.25)) {
      this.#publish(frame);
      if (random.chance(0.1)) this.#publish(frame);
      return;
    }
    for (let tries = 0; tries < RETRIES_MAX; tries += 1) {
      try {
        await this.#submit(frame);
        return;
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error;
        if (random.chance(0.4)) return;
      }
    }
  }

  #publish({ kind, actionId, bytes }: Frame): void {
    const topic = PUBLIC_TOPICS[kind];
    if (topic === undefined) return;
    const value = encodePublic(topic, { tenant: TENANT, actionId, payload: bytes });
    const { disk, schedule } = this.#world;
    schedule.add({
      owner: 'network',
      label: `publish ${topic}`,
      isReady: () => true,
      run: () =>
        `at ${disk.append({ topic, partition: 0 }, [{ key: actionId, value }]).firstOffset}`,
    });
  }
}

/** Who a person is at a company. */
function tie(person: string, issuer: string): JsonObject {
  return { kind: 'person-tied', person, issuer, subject_digest: subjectIn(issuer, person) };
}

/** Mostly what was asked for. */
function someTyping(
  random: SeededChoice,
  confirmation: Digest | undefined,
): Pick<DecisionStatement, 'confirmation'> {
  if (confirmation === undefined) return {};
  const typed = random.weighted({ right: 8, other: 1, nothing: 1 });
  if (typed === 'nothing') return {};
  return { confirmation: typed === 'right' ? confirmation : `sha256:${'5a'.repeat(32)}` };
}

function isRoutedByAction({ kind, actionId }: Frame): boolean {
  return kind in PUBLIC_TOPICS && actionId !== '';
}

type Fit = (action: OracleAction) => boolean;

const isUsable: Fit = ({ status, admission }) =>
  status === 'bound' && !admission.action_type.name.startsWith('authority.');

const isOfMembers: Fit = ({ admission }) => admission.requirement.member_of !== undefined;

const isOfCompany: Fit = (action) =>
  isOfMembers(action) || action.admission.delegation !== undefined;

/** Where a deed makes sense; anywhere when nothing is said. */
const FITS: Readonly<Partial<Record<Deed, Fit>>> = {
  decide: ({ status }) => status === 'pending',
  misdecide: ({ status }) => status === 'pending',
  revoke: ({ status }) => status === 'pending' || status === 'bound',
  use: isUsable,
  misuse: isUsable,
  race: isUsable,
  report: ({ uses }) => uses.size > 0,
  erase: ({ status, isErased }) => status !== 'pending' && !isErased,
};

/** The same JSON in other bytes: another input, which means the same. */
function respelled({ bytes, ...rest }: Frame): Frame {
  return { ...rest, bytes: utf8(JSON.stringify(JSON.parse(fromUtf8(bytes)), undefined, 1)) };
}

/** Well formed, and of nobody. */
function forgedSignature(noise: Uint8Array): string {
  const half = createHash('sha256').update(noise).digest();
  half[0] = ((half[0] ?? 0) & 0x3f) | 0x40;
  const head = Buffer.of(0x30, 0x44, 0x02, 0x20);
  return Buffer.concat([head, half, Buffer.of(0x02, 0x20), half]).toString('base64url');
}

/** Whom its rule does not name, and nobody has left out. */
function isOutside({ admission }: OracleAction, person: string): boolean {
  const { requirement, excluded } = admission;
  const isNamed = requirement.approvers === 'any' || requirement.approvers.includes(person);
  return !isNamed && !excluded.some((each) => each.person === person);
}
