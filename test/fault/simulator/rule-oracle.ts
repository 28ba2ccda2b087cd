import {
  LEDGER_EXECUTOR,
  itemDigest,
  decisionDigest,
  isCedarPolicy,
  parseAuthorityChange,
  parseExecutionReport,
  parseUseClaim,
  requirementOf,
  ruleFor,
  type ApprovalRule,
  type AuthorityChange,
  type CedarPolicy,
  type CedarRule,
  type Entry,
  type EntryOf,
  type ExecutionReport,
  type Leaf,
  type Member,
  type MemberOf,
  type Membership,
  type Policy,
  type PolicyRule,
} from '@countersign/binding';
import {
  canonicalText,
  timestampMs,
  utf8,
  parseCanonical,
  type Json,
} from '@countersign/canonical';
import { itemsOf } from '@countersign/descriptors';
import { batchDescriptor } from './batch-choice.ts';
import { assertAsked, assertUnasked } from './asking-oracle.ts';
import { CompanyOracle } from './company-oracle.ts';
import { DeputyOracle, areApart } from './deputy-oracle.ts';
import {
  assertEscalates,
  assertNamed,
  assertNotNamed,
  assertTold,
  isStillNamed,
  namedBy,
} from './escalation-oracle.ts';
import { GlassOracle } from './glass-oracle.ts';
import { hold } from './invariant-broken.ts';
import type { OracleEntry } from './log-oracle.ts';
import { LoadOracle } from './load-oracle.ts';
import { RecoveryOracle } from './recovery-oracle.ts';
import { OWN_TOOL, TENANT } from './population.ts';
import type { SignedTruth } from './signed-truth.ts';
import { assertQuorum, assertTurn, isOtherTurn } from './turn-oracle.ts';

interface OracleApproval {
  readonly person: string;
  /** In whose place. */
  readonly for: string | undefined;
  readonly membership: Membership | undefined;
  readonly atMs: number;
  readonly credential: string;
  readonly notAfterMs: number;
}

interface OracleUse {
  readonly index: number;
  /** Of a batch. */
  readonly item: number | undefined;
  result: ExecutionReport['result'] | undefined;
}

/** One action as the rules of design §5 see it. */
export interface OracleAction {
  readonly id: string;
  readonly admission: EntryOf<'request-admitted'>;
  readonly admissionLeaf: Leaf;
  status: 'pending' | 'bound' | 'denied' | 'expired' | 'revoked' | 'superseded';
  readonly approvals: Map<Leaf, OracleApproval>;
  denial: Leaf | undefined;
  binding:
    | { readonly entry: EntryOf<'binding-made'>; readonly leaf: Leaf; readonly index: number }
    | undefined;
  readonly uses: Map<string, OracleUse>;
  isErased: boolean;
  isReviewed: boolean;
}

/**
 * The rules of the ledger, written a second time and from the other side: not what an input comes to, but
 * what an entry may never say. It shares the formats with the ledger, and no decision.
 */
export class RuleOracle {
  readonly actions = new Map<string, OracleAction>();
  readonly #truth: SignedTruth;
  readonly #members = new Map<string, Member>();
  readonly #glass = new GlassOracle();
  readonly load = new LoadOracle();
  readonly company: CompanyOracle;
  readonly #recovery = new RecoveryOracle();
  readonly #deputies = new DeputyOracle();
  #fixed: ReadonlyMap<string, ApprovalRule> = new Map();
  #bootstrap: ApprovalRule | undefined;
  #separation = 'full';
  #policy: Policy | undefined;
  #first: Policy | undefined;
  #epoch = 0;
  #isFrozen = false;
  #lastMs = 0;
  #last: OracleEntry | undefined;

  constructor(truth: SignedTruth) {
    this.#truth = truth;
    this.company = new CompanyOracle(truth);
  }

  get freeze(): { readonly isFrozen: boolean; readonly epoch: number } {
    return { isFrozen: this.#isFrozen, epoch: this.#epoch };
  }

  get recoveries(): Pick<RecoveryOracle, 'pending' | 'used'> {
    return this.#recovery;
  }

  /** Whether the policy in force is another than that of the founding. */
  get isRuledAnew(): boolean {
    return this.#policy !== this.#first;
  }

  /** Whether an emergency can be asked for now. */
  get hasGlass(): boolean {
    return this.#policy !== undefined && isCedarPolicy(this.#policy);
  }

  get lastMs(): number {
    return this.#lastMs;
  }

  accept(placed: OracleEntry): void {
    const atMs = timestampMs(placed.entry.at);
    hold(atMs >= this.#lastMs, 'TIME', `entry ${placed.index} is before the one before it`);
    hold(placed.entry.tenant === TENANT, 'RULE', `entry ${placed.index} of another tenant`);
    this.#lastMs = atMs;
    this.#glass.note(placed.entry, atMs);
    this.load.note(placed.entry);
    this.#recovery.note(placed.entry);
    this.#acceptEntry(placed.entry, placed);
    this.#last = placed;
  }

  #acceptEntry(entry: Entry, placed: OracleEntry): void {
    switch (entry.type) {
      case 'ledger-founded':
        this.#found(entry);
        return;
      case 'authority-changed':
        this.#changeAuthority(entry);
        return;
      case 'request-admitted':
        this.#admit(entry, placed.leaf);
        return;
      case 'request-denied':
      case 'request-expired':
        this.#endOpen(entry);
        return;
      case 'decision-accepted':
        this.#acceptDecision(entry, placed.leaf);
        return;
      case 'binding-made':
      case 'binding-revoked':
      case 'binding-used':
        this.#acceptBinding(entry, placed);
        return;
      case 'execution-reported':
        this.#report(entry);
        return;
      case 'content-erased':
        this.#erase(entry);
        return;
      case 'request-refused':
      case 'decision-refused':
      case 'use-refused':
        this.#refuse(entry);
        return;
      case 'finding-raised':
        this.#find(entry);
        return;
      case 'state-committed':
        return;
    }
  }

  #endOpen(entry: EntryOf<'request-denied' | 'request-expired'>): void {
    if (entry.type === 'request-denied') this.#deny(entry);
    else this.#expire(entry);
  }

  #acceptBinding(
    entry: EntryOf<'binding-made' | 'binding-revoked' | 'binding-used'>,
    placed: OracleEntry,
  ): void {
    if (entry.type === 'binding-made') this.#bind(entry, placed);
    else if (entry.type === 'binding-used') this.#use(entry, placed.index);
    else this.#revoke(entry);
  }

  #found(entry: EntryOf<'ledger-founded'>): void {
    this.#bootstrap = entry.bootstrap;
    this.#separation = entry.separation;
    this.#recovery.found(entry);
    this.#fixed = fixedRules(entry);
    this.#policy = entry.policy;
    this.#first = entry.policy;
    for (const member of entry.members) this.#set(member);
    this.company.founded(entry.members);
  }

  #set(member: Member): void {
    this.#members.set(`${member.kind} ${member.id}`, member);
  }

  #get<K extends Member['kind']>(kind: K, id: string): MemberOf<K> | undefined {
    return this.#members.get(`${kind} ${id}`) as MemberOf<K> | undefined;
  }

  #changeAuthority({ change }: EntryOf<'authority-changed'>): void {
    if (change.change === 'credential-enrolled') {
      const { statement } = change;
      const isTrue = this.#truth.enrolled.has(statement.credential_id);
      hold(isTrue, 'FORGED', 'a credential that its person never enrolled');
      const isInvited = this.#members.delete(`invitation ${statement.invitation}`);
      hold(isInvited, 'RULE', 'a credential without an invitation');
      this.company.assertEnrolled(statement, change.identity, this.#lastMs);
      if (this.#recovery.enrolled(statement, this.#lastMs)) this.#loseKeys(statement.person);
      this.#set({
        kind: 'credential',
        id: statement.credential_id,
        person: statement.person,
        public_key: statement.public_key,
        rp_id: statement.rp_id,
        backup_eligible: statement.backup_eligible,
      });
      return;
    }
    const last = this.#last;
    const isBound = last?.entry.type === 'binding-made' && last.leaf === change.binding;
    hold(isBound, 'RULE', 'a change of the authority that does not follow its binding');
    this.#apply(changeIn(change.action));
  }

  /** Whoever was recovered has no key but the new one, and no other link. */
  #loseKeys(person: string): void {
    for (const [key, member] of this.#members) {
      const isTheirs = member.kind === 'credential' || member.kind === 'invitation';
      if (isTheirs && member.person === person) this.#members.delete(key);
    }
  }

  #apply(change: AuthorityChange): void {
    switch (change.kind) {
      case 'recovery-started':
        this.#recovery.started(change, this.#last?.entry, this.#lastMs);
        this.#set({ kind: 'person', id: change.person, class: 'natural' });
        this.#set({
          kind: 'invitation',
          person: change.person,
          ...change.invitation,
          not_after: '',
        });
        return;
      case 'recovery-cancelled':
        this.#recovery.cancelled(change, this.#last?.entry);
        this.#members.delete(`invitation ${change.invitation}`);
        return;
      case 'credential-revoked':
        this.#members.delete(`credential ${change.credential_id}`);
        return;
      case 'agent-revoked':
        this.#members.delete(`agent ${change.id}`);
        return;
      case 'executor-revoked':
        this.#members.delete(`executor ${change.id}`);
        return;
      case 'policy-set':
        this.#policy = change.policy;
        return;
      case 'frozen':
        hold(!this.#isFrozen, 'RULE', 'frozen twice');
        this.#epoch += 1;
        this.#isFrozen = true;
        return;
      case 'thawed':
        hold(this.#isFrozen && change.epoch === this.#epoch, 'RULE', 'another freeze thawed');
        this.#isFrozen = false;
        return;
      case 'person-invited':
        this.#set({ kind: 'person', id: change.person, class: change.class });
        this.#set({ kind: 'invitation', person: change.person, ...change.invitation });
        return;
      case 'agent-enrolled':
        this.#set({ kind: 'agent', ...change.agent, key_thumbprint: 'sha256:' });
        return;
      case 'executor-enrolled':
      case 'descriptor-enrolled':
      case 'log-key-added':
      case 'log-key-removed':
        return;
      case 'reviewed':
        this.#review(change);
        return;
      case 'agent-sponsored':
        this.#sponsor(change);
        return;
      case 'deputy-named':
        this.#nameDeputy(change);
        return;
      case 'deputy-revoked':
        this.#deputies.revoked(change);
        return;
      case 'issuer-enrolled':
        this.company.pinned(change.issuer);
        return;
      case 'issuer-revoked':
        this.company.unpinned();
        return;
      case 'person-tied':
        this.company.tied(change);
        return;
      case 'ssh-key-enrolled':
      case 'home-moved':
        // Nobody here asks for these: it would be invented.
        hold(false, 'FORGED', `a change that nobody asked for: ${change.kind}`);
    }
  }

  /** By two who had no part in it, and as it was. */
  #review(change: ChangeOf<'reviewed'>): void {
    const { action_id: id, result, verdict } = change;
    const action = this.#known(id);
    const bound = this.#last?.entry;
    const signed = bound?.type === 'binding-made' ? bound.decisions : [];
    const persons = new Set(signed.map(({ person }) => person));
    const parties = this.#partiesTo(action);
    hold(persons.size >= 2, 'RULE', `${id}: reviewed by one person`);
    hold(
      [...persons].every((each) => !parties.has(each)),
      'RULE',
      `${id}: reviewed by a party`,
    );
    const [use] = action.uses.values();
    const is = use === undefined ? 'not-used' : (use.result ?? 'not-reported');
    hold(result === is, 'RULE', `${id}: reviewed as ${result} and ${verdict}, which is ${is}`);
    this.#glass.reviewed(id);
    action.isReviewed = true;
  }

  #partiesTo({ admission: { agent }, binding }: OracleAction): ReadonlySet<string | undefined> {
    const approvers = binding?.entry.decisions ?? [];
    const voices = approvers.flatMap(({ person, for: principal }) => [person, principal]);
    return new Set([...voices, agent.owner, agent.person]);
  }

  #nameDeputy(change: ChangeOf<'deputy-named'>): void {
    const bound = this.#last?.entry;
    hold(bound?.type === 'binding-made', 'RULE', `${change.deputy}: a deputy whom nobody named`);
    const isNatural = (person: string): boolean => this.#get('person', person)?.class === 'natural';
    this.#deputies.named(change, isNatural, bound);
  }

  #sponsor({ agent: id, sponsor }: ChangeOf<'agent-sponsored'>): void {
    const agent = this.#get('agent', id);
    hold(agent !== undefined, 'RULE', `${id}: sponsored, and not enrolled`);
    const bare = Object.entries(agent).filter(([name]) => name !== 'sponsor');
    const told = sponsor === undefined ? {} : { sponsor };
    this.#set({ ...(Object.fromEntries(bare) as unknown as MemberOf<'agent'>), ...told });
  }

  #admit(entry: EntryOf<'request-admitted'>, leaf: Leaf): void {
    const { action_id: id } = entry;
    hold(!this.actions.has(id), 'RULE', `${id} admitted twice`);
    const asked = this.#truth.actions.get(entry.action_digest);
    hold(asked === `${id} ${entry.agent.id}`, 'FORGED', `${id}: its agent never asked for it`);
    this.company.assertAdmitted(entry, this.#lastMs);
    const agent = this.#get('agent', entry.agent.id);
    hold(agent !== undefined, 'RULE', `${id}: of an agent that is not enrolled`);
    hold(timestampMs(entry.not_after) > this.#lastMs, 'RULE', `${id}: admitted after its end`);
    const isAuthority = entry.action_type.name.startsWith('authority.');
    hold(isAuthority === (entry.executor.id === LEDGER_EXECUTOR), 'RULE', `${id}: executor`);
    const isByAnybody = BY_ANYBODY.has(entry.action_type.name);
    this.#assertEpoch(entry, entry.epoch ?? 0);
    assertAsked(entry, this.#sceneOf(entry, !isAuthority));
    const own = this.#fixed.get(entry.action_type.name) ?? this.#bootstrap;
    const rule = isAuthority ? own : this.#ruleOf(entry);
    hold(rule !== undefined, 'RULE', `${id}: admitted without a rule`);
    const isByRule =
      sameJson(entry.requirement, requirementOf(rule)) &&
      entry.use_within_s === rule.use_within_s &&
      (entry.batch?.count === entry.max_uses || entry.max_uses <= rule.max_uses) &&
      timestampMs(entry.decide_by) <= this.#lastMs + rule.decide_within_s * 1_000;
    hold(isByRule, 'RULE', `${id}: admitted under another rule than the one in force`);
    assertEscalates(entry);
    const excluded = [
      agent.person,
      ...(this.#separation === 'full' ? [agent.owner, agent.sponsor] : []),
      ...entry.acting_for,
    ];
    for (const person of excluded) {
      const isExcluded =
        isByAnybody ||
        person === undefined ||
        entry.excluded.some((each) => each.person === person);
      hold(isExcluded, 'RULE', `${id}: a person who asks is not excluded`);
    }
    this.#glass.admitted(entry, this.#lastMs);
    if (entry.supersedes !== undefined) this.#end(entry.supersedes, 'superseded');
    this.actions.set(id, {
      id,
      admission: entry,
      admissionLeaf: leaf,
      status: 'pending',
      approvals: new Map(),
      denial: undefined,
      binding: undefined,
      uses: new Map(),
      isErased: false,
      isReviewed: false,
    });
  }

  /** Every rule for commands comes together with the first one, which alone has limits. */
  #sceneOf(
    entry: EntryOf<'request-admitted' | 'request-refused'>,
    isRuled: boolean,
  ): Parameters<typeof assertAsked>[1] {
    const isGlass =
      entry.type === 'request-admitted' && entry.action_type.name.startsWith('emergency.');
    const [first] = isRuled && !isGlass ? (this.#policy?.rules ?? []) : [];
    const open = [...this.actions.values()].filter(
      ({ status, admission }) => status === 'pending' && admission.agent.id === entry.agent.id,
    );
    return {
      limits: first?.asking,
      open: new Map(open.map(({ id, admission }) => [id, admission.action_type.name])),
      prompts: new Map(
        this.#othersThan('').map((person) => [person, this.load.promptsBefore(entry, person)]),
      ),
    };
  }

  /** Nothing but what takes rights away is asked for, or bound, while everything is stopped. */
  #assertEpoch(admission: EntryOf<'request-admitted'>, epoch: number): void {
    const { action_id: id, action } = admission;
    hold(epoch === this.#epoch, 'RULE', `${id}: of another epoch`);
    if (action !== undefined && WORKS_FROZEN.has(changeIn(action).kind)) return;
    hold(!this.#isFrozen, 'BOUND_WHILE_FROZEN', `${id}: of a ledger that is frozen`);
    hold((admission.epoch ?? 0) === epoch, 'BOUND_WHILE_FROZEN', `${id}: bound after its epoch`);
  }

  /** Whether the policy in force asks for more than was frozen; the text of a policy in Cedar is one and the same here. */
  #isStricterNow(action: OracleAction, persons: readonly string[]): boolean {
    const { admission } = action;
    const policy = this.#policy;
    if (policy === undefined || admission.action_type.name.startsWith('authority.')) return false;
    const { requirement: was } = admission;
    const isCedar = isCedarPolicy(policy);
    if (isCedar && admission.permits === undefined) return true;
    const named = isCedar ? was.rule.split('+') : ['default'];
    const now = policy.rules.filter(({ id }) => named.includes(id));
    const isEvery = now.length === named.length && now.every((rule) => isKept(rule, was, persons));
    const isSingle = admission.batch === undefined;
    return !isEvery || (isSingle && now.some((rule) => action.uses.size >= rule.max_uses));
  }

  #ruleOf(entry: EntryOf<'request-admitted'>): ApprovalRule | undefined {
    const policy = this.#policy;
    if (policy === undefined) return undefined;
    const isPermitted = isCedarPolicy(policy) === (entry.permits !== undefined);
    hold(isPermitted, 'RULE', `${entry.action_id}: permits, and a policy without, or not`);
    return isCedarPolicy(policy)
      ? this.#ruleInCedar(policy, entry)
      : ruleFor(policy, entry.action_type.name);
  }

  /** What the policies of the population say in Cedar, said again without it. */
  #ruleInCedar(policy: CedarPolicy, entry: EntryOf<'request-admitted'>): ApprovalRule | undefined {
    const [usual, , glass, turns] = policy.rules;
    const isEmergency = entry.action_type.name === 'emergency.command';
    if (isEmergency && glass !== undefined) return this.#ruleInEmergency(glass, entry);
    const types = ['generic.command', 'payment.grant', 'batch.generic.command'];
    const isPermitted = types.includes(entry.action_type.name);
    if (usual === undefined || turns === undefined || !isPermitted) return undefined;
    const isOwn = entry.agent.person !== undefined;
    // Of a batch each item is asked for too, as if it was alone.
    const isInTurn = !isOwn && entry.action_type.name !== 'payment.grant';
    const other = isInTurn ? ['turns'] : [];
    const permits = ['command', ...(isOwn ? ['own-tool'] : other)];
    hold(sameJson(entry.permits ?? [], permits), 'RULE', `${entry.action_id}: other permits`);
    const distinct = this.#othersThan(entry.agent.owner);
    const out = new Set(entry.excluded.map(({ person }) => person));
    const left = distinct.filter((id) => !out.has(id)).length;
    hold(left >= usual.approvals, 'RULE', `${entry.action_id}: admitted, and nobody could decide`);
    if (isInTurn) {
      return { ...namedBy(turns, distinct), id: 'default+turns' };
    }
    if (!isOwn) return { ...usual, approvers: distinct };
    const useWithin = Math.min(usual.use_within_s, OWN_TOOL.use_within_s);
    const own = { id: 'default+own-tool', rationale: OWN_TOOL.rationale, use_within_s: useWithin };
    return { ...usual, ...own, approvers: distinct };
  }

  /** Natural persons with a key, but for the owner, whom the policy forbids to decide. */
  #othersThan(owner: string): readonly string[] {
    const persons = [...this.#members.values()]
      .flatMap((member) => (member.kind === 'credential' ? [member.person] : []))
      .filter((id) => this.#get('person', id)?.class === 'natural' && id !== owner);
    return [...new Set(persons)].sort();
  }

  #ruleInEmergency(glass: CedarRule, entry: EntryOf<'request-admitted'>): ApprovalRule {
    const { action_id: id, agent } = entry;
    hold(sameJson(entry.permits ?? [], ['emergency']), 'RULE', `${id}: other permits`);
    const approvers = this.#othersThan(agent.owner);
    const reviewers = approvers.filter((person) => person !== agent.person).length;
    const needed = this.#separation === 'full' ? 3 : 2;
    hold(reviewers >= needed, 'RULE', `${id}: an emergency that nobody could review`);
    return { ...glass, approvers };
  }

  #end(id: string, status: OracleAction['status']): OracleAction {
    const action = this.#known(id);
    const mayEnd =
      action.status === 'pending' || (action.status === 'bound' && status === 'revoked');
    hold(mayEnd, 'TERMINAL_CHANGED', `${id}: from ${action.status} to ${status}`);
    action.status = status;
    return action;
  }

  #known(id: string): OracleAction {
    const action = this.actions.get(id);
    hold(action !== undefined, 'RULE', `an entry about ${id}, which was never admitted`);
    return action;
  }

  /** A statement of a person who may sign, about this admission and none else, which that person signed. */
  #assertStatement(
    entry: EntryOf<'decision-accepted' | 'binding-revoked'>,
    action: OracleAction,
  ): void {
    const { statement } = entry;
    const signer = this.#truth.statements.get(decisionDigest(statement));
    hold(
      signer === statement.person,
      'FORGED',
      `${action.id}: a decision that its person never made`,
    );
    const { admission } = action;
    const isAbout =
      statement.action_id === action.id &&
      statement.admission === action.admissionLeaf &&
      entry.admission === action.admissionLeaf &&
      statement.action_digest === admission.action_digest &&
      statement.display_digest === admission.display_digest;
    hold(isAbout, 'RULE', `${action.id}: a decision about something else`);
    const isLive = timestampMs(statement.not_after) >= this.#lastMs;
    hold(isLive, 'BOUND_TOO_LATE', `${action.id}: a decision after its own end`);
    hold(
      this.#mayDecide(statement.person, statement.credential),
      'RULE',
      `${action.id}: a key that is not in force`,
    );
  }

  #mayDecide(person: string, credential: string): boolean {
    return (
      this.#get('credential', credential)?.person === person &&
      this.#get('person', person)?.class === 'natural'
    );
  }

  #acceptDecision(entry: EntryOf<'decision-accepted'>, leaf: Leaf): void {
    const action = this.#known(entry.action_id);
    hold(
      action.status === 'pending',
      'TERMINAL_CHANGED',
      `${action.id}: decided when ${action.status}`,
    );
    this.#assertStatement(entry, action);
    const { statement } = entry;
    const { admission } = action;
    hold(
      this.#lastMs <= timestampMs(admission.decide_by),
      'BOUND_TOO_LATE',
      `${action.id}: decided late`,
    );
    const isExcluded = admission.excluded.some(({ person }) => person === statement.person);
    hold(!isExcluded, 'RULE', `${action.id}: decided by somebody who is excluded`);
    this.#assertNoParty(admission, statement.person);
    this.#assertVoice(entry, action);
    const isProven = admission.requirement.proof_classes.includes(entry.proof_class);
    hold(isProven, 'RULE', `${action.id}: decided with a proof of another class`);
    const isKept = admission.requirement.device_bound !== true || !isSynced(entry.proof);
    hold(isKept, 'RULE', `${action.id}: decided with a synced passkey`);
    this.company.assertDecided(entry, admission.requirement.member_of, this.#lastMs);
    if (statement.verdict === 'approve') {
      const { person, credential, confirmation: typed } = statement;
      const { membership } = entry;
      const approval = { person, for: entry.for, membership, credential, atMs: this.#lastMs };
      const before = this.#standing(action);
      const isLast = before.length + 1 >= admission.requirement.approvals;
      if (isLast) this.company.assertVouched(admission);
      const seated = { person: voiceIn(entry), atMs: this.#lastMs, typed };
      assertTurn(
        admission,
        seated,
        before.map((each) => ({ person: each.for ?? each.person, atMs: each.atMs })),
      );
      const notAfterMs = timestampMs(statement.not_after);
      action.approvals.set(leaf, { ...approval, notAfterMs });
    } else {
      hold(statement.verdict === 'deny', 'RULE', `${action.id}: a revocation taken for a decision`);
      action.denial = leaf;
    }
  }

  /** Of one whom the rule names, or of their deputy where it does not name the one who signs. */
  #assertVoice(entry: EntryOf<'decision-accepted'>, { id, admission }: OracleAction): void {
    const principal = entry.for;
    assertNamed(admission, voiceIn(entry), this.#lastMs);
    if (principal === undefined) return;
    const given = { person: entry.statement.person, for: principal };
    const type = admission.action_type.name;
    hold(this.#isLent(given, type), 'RULE', `${id}: decided by nobody's deputy`);
    const isOut = admission.excluded.some(({ person }) => person === principal);
    hold(!isOut, 'RULE', `${id}: decided in the place of somebody who is excluded`);
  }

  /** Whether an approval is of a deputy now, and of somebody who could still give one, if it is in anybody's place. */
  #isLent(
    given: { readonly person: string; readonly for?: string | undefined },
    type: string,
  ): boolean {
    if (given.for === undefined) return true;
    return this.#deputies.isGiven(given, type, this.#lastMs) && this.#hasKey(given.for);
  }

  #hasKey(person: string): boolean {
    return [...this.#members.values()].some(
      (member) => member.kind === 'credential' && member.person === person,
    );
  }

  #assertNoParty({ action_id: id, action }: EntryOf<'request-admitted'>, person: string): void {
    if (action?.includes('"kind":"reviewed"') !== true) return;
    const made = changeIn(action);
    hold(made.kind === 'reviewed', 'RULE', `${id}: not what it says`);
    const isParty = this.#partiesTo(this.#known(made.action_id)).has(person);
    hold(!isParty, 'RULE', `${id}: decided by who had a part in what is reviewed`);
  }

  /** Approvals of keys in force that are not over. */
  #standing({ approvals, admission }: OracleAction): readonly OracleApproval[] {
    const type = admission.action_type.name;
    const { member_of: needed } = admission.requirement;
    return [...approvals.values()].filter(
      (each) =>
        each.notAfterMs >= this.#lastMs &&
        (needed === undefined || this.company.endMs(each, needed, this.#lastMs) !== undefined) &&
        this.#mayDecide(each.person, each.credential) &&
        this.#isLent(each, type),
    );
  }

  #bind(entry: EntryOf<'binding-made'>, { leaf, index }: OracleEntry): void {
    const action = this.#known(entry.action_id);
    hold(action.binding === undefined, 'TWO_BINDINGS', `${action.id}: bound again`);
    this.#end(action.id, 'bound');
    hold(entry.admission === action.admissionLeaf, 'RULE', `${action.id}: binds another admission`);
    const { admission } = action;
    this.#assertEpoch(admission, entry.epoch);
    const agent = this.#get('agent', admission.agent.id);
    const isSame = agent !== undefined && agent.sponsor === admission.agent.sponsor;
    hold(isSame, 'RULE', `${action.id}: of an agent that works for somebody else by now`);
    const who = entry.decisions.map((each) => each.for ?? each.person);
    hold(!this.#isStricterNow(action, who), 'STRICTER_NOW', `${action.id}: bound by an old policy`);
    const { approvals } = admission.requirement;
    const persons = new Set(entry.decisions.map(({ person }) => person));
    const keys = new Set(entry.decisions.map(({ credential }) => credential));
    hold(areApart(entry.decisions), 'RULE', `${action.id}: somebody beside their own deputy`);
    const isEnough = persons.size >= approvals && keys.size >= approvals;
    hold(isEnough, 'BOUND_WITHOUT_APPROVALS', `${action.id}: ${persons.size} of ${approvals}`);
    for (const decision of entry.decisions) {
      const approval = action.approvals.get(decision.leaf);
      const isApproval =
        approval?.person === decision.person &&
        approval.for === decision.for &&
        approval.credential === decision.credential &&
        this.#isLent(decision, admission.action_type.name) &&
        this.#mayDecide(decision.person, decision.credential);
      hold(isApproval, 'BOUND_WITHOUT_APPROVALS', `${action.id}: an approval that does not count`);
      hold(
        approval.notAfterMs >= this.#lastMs,
        'BOUND_TOO_LATE',
        `${action.id}: an approval too old`,
      );
    }
    assertQuorum(action.id, entry);
    assertTold(entry, (each) => action.approvals.get(each as Leaf)?.atMs);
    this.company.assertBound(entry, this.#lastMs);
    this.company.assertVouched(admission);
    const decideByMs = timestampMs(admission.decide_by);
    hold(this.#lastMs <= decideByMs, 'BOUND_TOO_LATE', `${action.id}: bound after its expiry`);
    const useByMs = timestampMs(entry.use_by);
    const isByTerms =
      useByMs <= this.#lastMs + admission.use_within_s * 1_000 &&
      useByMs <= timestampMs(admission.not_after) &&
      entry.max_uses === admission.max_uses;
    hold(isByTerms, 'RULE', `${action.id}: bound to other terms than admitted`);
    hold(
      sameJson(entry.requirement, admission.requirement),
      'RULE',
      `${action.id}: bound by another requirement than admitted`,
    );
    this.#glass.bound(entry, this.#lastMs);
    action.binding = { entry, leaf, index };
  }

  #use(entry: EntryOf<'binding-used'>, index: number): void {
    const action = this.#known(entry.action_id);
    const { binding } = action;
    hold(action.status !== 'revoked', 'USED_AFTER_REVOCATION', action.id);
    hold(binding !== undefined && action.status === 'bound', 'USED_WITHOUT_BINDING', action.id);
    hold(binding.leaf === entry.binding, 'USED_WITHOUT_BINDING', `${action.id}: another binding`);
    hold(!this.#isFrozen, 'USED_WHILE_FROZEN', action.id);
    hold(binding.entry.epoch === this.#epoch, 'USED_WHILE_FROZEN', `${action.id}: after the thaw`);
    const who = binding.entry.decisions.map((each) => each.for ?? each.person);
    hold(!this.#isStricterNow(action, who), 'STRICTER_NOW', `${action.id}: used by an old policy`);
    this.company.assertUsed(binding.entry);
    // Nobody here comes back under the name of an agent that is gone.
    const isThere = this.#get('agent', action.admission.agent.id) !== undefined;
    hold(isThere, 'RULE', `${action.id}: used though its agent is gone`);
    const isType = !action.admission.action_type.name.startsWith('authority.');
    hold(isType, 'USED_TOO_OFTEN', `${action.id}: a change of the authority`);
    const isFree = action.uses.size < binding.entry.max_uses && !action.uses.has(entry.use_id);
    hold(
      isFree,
      'USED_TOO_OFTEN',
      `${action.id}: ${action.uses.size} of ${binding.entry.max_uses}`,
    );
    hold(entry.use_number === action.uses.size + 1, 'RULE', `${action.id}: use number`);
    hold(this.#lastMs <= timestampMs(binding.entry.use_by), 'USED_TOO_LATE', action.id);
    hold(!action.isErased, 'RULE', `${action.id}: used after its content was erased`);
    const type = action.admission.action_type.name;
    for (const each of binding.entry.decisions) {
      hold(
        this.#mayDecide(each.person, each.credential) && this.#isLent(each, type),
        'USED_AFTER_REVOCATION',
        `${action.id}: an approver's key`,
      );
    }
    const isTrue = this.#truth.payloads.get(entry.claim) === entry.executor;
    hold(isTrue, 'FORGED', `${action.id}: a use that nobody claimed`);
    const isOurs = entry.executor === action.admission.executor.id;
    hold(isOurs, 'RULE', `${action.id}: used by another executor`);
    assertChoice(action, entry);
    const item = this.#itemOf(action, entry);
    action.uses.set(entry.use_id, { index, item, result: undefined });
  }

  /** Attack rows A12 and A16: one of the items that were asked for, which nobody has used, and in the order of a plan. */
  #itemOf(action: OracleAction, entry: EntryOf<'binding-used'>): number | undefined {
    const { item } = parseUseClaim(utf8(entry.claim));
    const { batch, action_digest: digest } = action.admission;
    hold((item === undefined) === (batch === undefined), 'RULE', `${action.id}: an item, or none`);
    if (item === undefined || batch === undefined) return undefined;
    const { index } = item;
    const asked = this.#truth.batches.get(digest);
    const own = asked && itemsOf(batchDescriptor(), asked)[index];
    const isAsked = own !== undefined && itemDigest(own, index) === item.digest;
    hold(isAsked, 'RULE', `${action.id}: an item that nobody approved`);
    const uses = [...action.uses.values()];
    const isFree = uses.every((use) => use.item !== index);
    hold(isFree, 'USED_TOO_OFTEN', `${action.id}: item ${index} again`);
    const isNext =
      batch.order === 'any' ||
      index === 0 ||
      uses.some((use) => use.item === index - 1 && use.result === 'succeeded');
    hold(isNext, 'RULE', `${action.id}: item ${index} before the one before it succeeded`);
    return index;
  }

  #deny(entry: EntryOf<'request-denied'>): void {
    const action = this.#end(entry.action_id, 'denied');
    const isTrue = action.denial !== undefined && action.denial === entry.decision;
    hold(isTrue, 'FORGED', `${action.id}: denied by nobody`);
  }

  #expire(entry: EntryOf<'request-expired'>): void {
    const action = this.#end(entry.action_id, 'expired');
    const decideByMs = timestampMs(action.admission.decide_by);
    hold(this.#lastMs > decideByMs, 'EXPIRED_TOO_EARLY', action.id);
  }

  #revoke(entry: EntryOf<'binding-revoked'>): void {
    const action = this.#known(entry.action_id);
    this.#assertStatement(entry, action);
    hold(entry.statement.verdict === 'revoke', 'FORGED', `${action.id}: another verdict`);
    const isNamed = (action.binding?.leaf ?? null) === entry.binding;
    hold(isNamed, 'RULE', `${action.id}: revokes another binding`);
    this.#end(action.id, 'revoked');
  }

  #report(entry: EntryOf<'execution-reported'>): void {
    const action = this.#known(entry.action_id);
    const use = action.uses.get(entry.use_id);
    const { result } = parseExecutionReport(utf8(entry.report));
    const isClearing =
      (action.admission.bounds ?? action.admission.batch) !== undefined &&
      use?.result === 'unknown' &&
      result !== 'unknown';
    const isFirst = use !== undefined && use.result === undefined;
    hold(isFirst || isClearing, 'RULE', `${entry.use_id}: reported without a use, or again`);
    use.result = result;
    hold(this.#truth.payloads.has(entry.report), 'FORGED', `${entry.use_id}: nobody's report`);
  }

  #erase(entry: EntryOf<'content-erased'>): void {
    const action = this.#known(entry.action_id);
    const isOver = action.status !== 'pending' && !action.isErased;
    hold(isOver, 'RULE', `${action.id}: erased while open, or again`);
    hold(this.#truth.payloads.has(entry.request), 'FORGED', `${action.id}: nobody's erasure`);
    action.isErased = true;
  }

  /** What somebody found is what an operator has signed. */
  #find({ submission, about, finding }: EntryOf<'finding-raised'>): void {
    if (submission === undefined) return;
    const signer = this.#truth.payloads.get(submission.payload);
    hold(signer !== undefined && signer === about.agent, 'FORGED', `${finding}: nobody's finding`);
    hold(signer === 'operator', 'RULE', `${finding}: of one who may not`);
  }

  /** A refusal says why: that must be so. */
  #refuse(entry: EntryOf<'request-refused' | 'decision-refused' | 'use-refused'>): void {
    const id = entry.action_id ?? '';
    if (entry.type === 'decision-refused' && entry.code === 'NOT_ELIGIBLE') {
      assertNotNamed(this.#known(id).admission, entry, this.#lastMs);
    }
    if (entry.type === 'request-refused') assertUnasked(entry, this.#sceneOf(entry, true));
    this.company.assertRefused(entry, this.#lastMs);
    const isSo = REASONS.get(entry.code)?.(this.actions.get(id), entry) ?? true;
    hold(entry.code !== 'FROZEN' || this.#isFrozen, 'WRONG_ANSWER', `${id}: frozen`);
    hold(entry.code !== 'EPOCH_ENDED' || this.#epoch > 0, 'WRONG_ANSWER', `${id}: no epoch`);
    hold(isSo, 'WRONG_ANSWER', `${id}: refused as ${entry.code}`);
  }
}

function voiceIn(entry: EntryOf<'decision-accepted'>): string {
  return entry.for ?? entry.statement.person;
}

const WORKS_FROZEN: ReadonlySet<string> = new Set([
  'frozen',
  'thawed',
  'credential-revoked',
  'agent-revoked',
  'executor-revoked',
  'issuer-revoked',
  'deputy-revoked',
  'recovery-started',
  'recovery-cancelled',
]);

const BY_ANYBODY: ReadonlySet<string> = new Set([
  'authority.freeze',
  'authority.recovery',
  'authority.cancel',
]);

/** schemas/formats/authority.md §11 */
const FREEZE_RULE: ApprovalRule = {
  id: 'freeze',
  approvals: 1,
  approvers: 'any',
  proof_classes: ['uv'],
  rationale: 'optional',
  decide_within_s: 3_600,
  use_within_s: 3_600,
  start_within_s: 60,
  max_uses: 1,
};

const REVIEW_RULE: ApprovalRule = {
  ...FREEZE_RULE,
  id: 'review',
  approvals: 2,
  rationale: 'required',
  decide_within_s: 86_400,
};

function fixedRules({
  recovery: { quorum },
  bootstrap,
}: EntryOf<'ledger-founded'>): ReadonlyMap<string, ApprovalRule> {
  const fewer = quorum < bootstrap.approvals ? quorum : bootstrap.approvals;
  return new Map([
    ['authority.freeze', FREEZE_RULE],
    ['authority.review', REVIEW_RULE],
    ['authority.recovery', { ...REVIEW_RULE, id: 'recovery', approvals: quorum }],
    ['authority.cancel', { ...REVIEW_RULE, id: 'cancel', approvals: fewer }],
  ]);
}

/** The population's rules differ in nothing else. */
function isKept(
  rule: CedarPolicy['rules'][number] | PolicyRule,
  was: EntryOf<'request-admitted'>['requirement'],
  persons: readonly string[],
): boolean {
  const isSaid = rule.rationale === 'optional' || was.rationale === 'required';
  const isBound = rule.device_bound === undefined || was.device_bound === true;
  const isTurn = !isOtherTurn(rule, was);
  const areNamed = persons.every((person) => isStillNamed(rule, was, person));
  const group = 'member_of' in rule ? rule.member_of : undefined;
  const isGroup = group === undefined || group.within_s >= (was.member_of?.within_s ?? Infinity);
  const isLetIn = areNamed && isGroup;
  return persons.length >= rule.approvals && isSaid && isBound && isTurn && isLetIn;
}

type ChangeOf<K extends AuthorityChange['kind']> = Extract<AuthorityChange, { readonly kind: K }>;

type Refusal = EntryOf<'request-refused' | 'decision-refused' | 'use-refused'>;

/** What must be so when something is refused with this code. */
const REASONS: ReadonlyMap<string, (action: OracleAction | undefined, entry: Refusal) => boolean> =
  new Map([
    ['REQUEST_ID_REUSED', (action): boolean => action !== undefined],
    ['REVOKED', (action): boolean => action?.status === 'revoked'],
    ['SUPERSEDED', (action): boolean => action?.status === 'superseded'],
    [
      'LATE_DECISION',
      (action): boolean => action?.status === 'bound' || action?.status === 'denied',
    ],
    [
      'AUTHENTICATOR_CLASS',
      (action): boolean => action?.admission.requirement.device_bound === true,
    ],
    ['NOT_DENIABLE', (action): boolean => /^authority\.(recovery|cancel)$/.test(typeOf(action))],
    ['ORDER', (action): boolean => action?.admission.requirement.ordered === true],
    ['WINDOW', (action): boolean => action?.admission.requirement.window_s !== undefined],
    [
      'CONFIRMATION_REQUIRED',
      (action): boolean => action?.admission.requirement.confirm !== undefined,
    ],
    ['ORPHAN_DECISION', (action): boolean => action === undefined],
    [
      'ALREADY_CONSUMED',
      (action, entry): boolean =>
        entry.type === 'use-refused'
          ? wasUsed(action, entry.use_id) || wasItemUsed(action, entry)
          : action?.binding !== undefined,
    ],
    [
      'CONSTRAINT_VIOLATED',
      (action, entry): boolean =>
        entry.type === 'use-refused' &&
        (action?.admission.bounds === undefined) === (entry.constraint === 'chosen') &&
        (entry.constraint !== 'max_uses' || action?.uses.size === action?.admission.max_uses),
    ],
    [
      'OUTCOME_UNKNOWN',
      (action, entry): boolean =>
        entry.type === 'use-refused' &&
        (action?.admission.bounds ?? action?.admission.batch) !== undefined &&
        action?.uses.get(entry.first_use ?? '')?.result === 'unknown',
    ],
  ]);

/** By the bit itself: WebAuthn §6.1, BE. */
function isSynced(proof: EntryOf<'decision-accepted'>['proof']): boolean {
  const data = proof.kind === 'webauthn' ? proof.authenticator_data : '';
  return ((Buffer.from(data, 'base64url')[32] ?? 0) & 0x08) !== 0;
}

/** Amounts digit by digit, as texts of one length: not by the ledger's arithmetic. */
function assertChoice(action: OracleAction, entry: EntryOf<'binding-used'>): void {
  const { chosen } = parseUseClaim(utf8(entry.claim));
  const { bounds } = action.admission;
  hold((chosen === undefined) === (bounds === undefined), 'RULE', `${action.id}: chosen or not`);
  for (const { name, min, max } of bounds ?? []) {
    const value = chosen?.[name] ?? '';
    const [low = '', given = '', high = ''] = [min, value, max].map((all) => all.padStart(24, '0'));
    const isWithin =
      low <= given &&
      given <= high &&
      value.indexOf('.') - value.length === max.indexOf('.') - max.length;
    hold(isWithin, 'RULE', `${action.id}: ${name} beyond what was approved`);
  }
  const isAnyUnknown = [...action.uses.values()].some(({ result }) => result === 'unknown');
  hold(bounds === undefined || !isAnyUnknown, 'RULE', `${action.id}: used while one is unknown`);
}

function typeOf(action: OracleAction | undefined): string {
  return action?.admission.action_type.name ?? '';
}

/** Each item of a batch has a use of its own. */
function wasItemUsed(
  action: OracleAction | undefined,
  { first_use: firstUse = '' }: EntryOf<'use-refused'>,
): boolean {
  return action?.admission.batch !== undefined && action.uses.has(firstUse);
}

function wasUsed(action: OracleAction | undefined, useId: string): boolean {
  if (action === undefined) return false;
  const isAuthority = action.admission.action_type.name.startsWith('authority.');
  return isAuthority || action.uses.has(useId) || action.uses.size >= action.admission.max_uses;
}

/** Of the text of an action of the authority. */
function changeIn(action: string): AuthorityChange {
  const params = memberOf(parseCanonical(utf8(action)), 'params');
  return parseAuthorityChange(memberOf(params, 'change') ?? null);
}

function memberOf(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function sameJson(a: object, b: object): boolean {
  return canonicalText(a as Json) === canonicalText(b as Json);
}
