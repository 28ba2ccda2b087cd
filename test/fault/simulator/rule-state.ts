import {
  type ApprovalRule,
  type EntryOf,
  isCedarPolicy,
  type Member,
  type MemberOf,
  type Policy,
} from '@countersign/binding';
import { changeIn } from './change-text.ts';
import { CompanyOracle } from './company-oracle.ts';
import { DeputyOracle } from './deputy-oracle.ts';
import { WORKS_FROZEN } from './fixed-rules.ts';
import { GlassOracle } from './glass-oracle.ts';
import { hold } from './invariant-broken.ts';
import { LoadOracle } from './load-oracle.ts';
import type { OracleEntry } from './log-oracle.ts';
import { ModelOracle } from './model-oracle.ts';
import type { OracleAction } from './oracle-action.ts';
import { RecoveryOracle } from './recovery-oracle.ts';
import type { SignedTruth } from './signed-truth.ts';

/** What the log has come to, as far as the rules of design §5 ask for it. */
export class RuleState {
  readonly actions = new Map<string, OracleAction>();
  readonly truth: SignedTruth;
  readonly members = new Map<string, Member>();
  readonly glass = new GlassOracle();
  readonly load = new LoadOracle();
  readonly company: CompanyOracle;
  readonly models: ModelOracle;
  readonly recovery = new RecoveryOracle();
  readonly deputies = new DeputyOracle();
  fixed: ReadonlyMap<string, ApprovalRule> = new Map();
  bootstrap: ApprovalRule | undefined;
  separation = 'full';
  policy: Policy | undefined;
  first: Policy | undefined;
  epoch = 0;
  isFrozen = false;
  lastMs = 0;
  last: OracleEntry | undefined;

  constructor(truth: SignedTruth) {
    this.truth = truth;
    this.company = new CompanyOracle(truth);
    this.models = new ModelOracle(truth);
  }

  get freeze(): { readonly isFrozen: boolean; readonly epoch: number } {
    return { isFrozen: this.isFrozen, epoch: this.epoch };
  }

  get recoveries(): Pick<RecoveryOracle, 'pending' | 'used'> {
    return this.recovery;
  }

  /** Whether the policy in force is another than that of the founding. */
  get isRuledAnew(): boolean {
    return this.policy !== this.first;
  }

  /** Whether an emergency can be asked for now. */
  get hasGlass(): boolean {
    return this.policy !== undefined && isCedarPolicy(this.policy);
  }

  isInvited(invitation: string): boolean {
    return this.get('invitation', invitation) !== undefined;
  }

  set(member: Member): void {
    this.members.set(`${member.kind} ${member.id}`, member);
  }

  get<K extends Member['kind']>(kind: K, id: string): MemberOf<K> | undefined {
    return this.members.get(`${kind} ${id}`) as MemberOf<K> | undefined;
  }

  /** Whoever was recovered has no key but the new one, and no other link. */
  loseKeys(person: string): void {
    for (const [key, member] of this.members) {
      const isTheirs = member.kind === 'credential' || member.kind === 'invitation';
      if (isTheirs && member.person === person) this.members.delete(key);
    }
  }

  /** Natural persons with a key, but for the owner, whom the policy forbids to decide. */
  othersThan(owner: string): readonly string[] {
    const persons = [...this.members.values()]
      .flatMap((member) => (member.kind === 'credential' ? [member.person] : []))
      .filter((id) => this.get('person', id)?.class === 'natural' && id !== owner);
    return [...new Set(persons)].sort();
  }

  end(id: string, status: OracleAction['status']): OracleAction {
    const action = this.known(id);
    const mayEnd =
      action.status === 'pending' || (action.status === 'bound' && status === 'revoked');
    hold(mayEnd, 'TERMINAL_CHANGED', `${id}: from ${action.status} to ${status}`);
    action.status = status;
    return action;
  }

  known(id: string): OracleAction {
    const action = this.actions.get(id);
    hold(action !== undefined, 'RULE', `an entry about ${id}, which was never admitted`);
    return action;
  }

  /** Whether it is a key of theirs now. */
  mayDecide(person: string, credential: string): boolean {
    return (
      this.get('credential', credential)?.person === person &&
      this.get('person', person)?.class === 'natural'
    );
  }

  /** Whether an approval is of a deputy now, and of somebody who could still give one, if it is in anybody's place. */
  isLent(
    given: { readonly person: string; readonly for?: string | undefined },
    type: string,
  ): boolean {
    if (given.for === undefined) return true;
    return this.deputies.isGiven(given, type, this.lastMs) && this.hasKey(given.for);
  }

  hasKey(person: string): boolean {
    return [...this.members.values()].some(
      (member) => member.kind === 'credential' && member.person === person,
    );
  }

  partiesTo({ admission: { agent }, binding }: OracleAction): ReadonlySet<string | undefined> {
    const approvers = binding?.entry.decisions ?? [];
    const voices = approvers.flatMap(({ person, for: principal }) => [person, principal]);
    return new Set([...voices, agent.owner, agent.person]);
  }

  /** Nothing but what takes rights away is asked for, or bound, while everything is stopped. */
  assertEpoch(admission: EntryOf<'request-admitted'>, epoch: number): void {
    const { action_id: id, action } = admission;
    hold(epoch === this.epoch, 'RULE', `${id}: of another epoch`);
    if (action !== undefined && WORKS_FROZEN.has(changeIn(action).kind)) return;
    hold(!this.isFrozen, 'BOUND_WHILE_FROZEN', `${id}: of a ledger that is frozen`);
    hold((admission.epoch ?? 0) === epoch, 'BOUND_WHILE_FROZEN', `${id}: bound after its epoch`);
  }
}
