import type { EntryOf, Leaf } from '@countersign/binding';
import { timestampMs } from '@countersign/canonical';
import { assertStatement } from './decision-oracle.ts';
import { areApart } from './deputy-oracle.ts';
import { assertTold } from './escalation-oracle.ts';
import { hold } from './invariant-broken.ts';
import type { OracleEntry } from './log-oracle.ts';
import { isStricterNow } from './policy-oracle.ts';
import type { RuleState } from './rule-state.ts';
import { sameJson } from './same-json.ts';
import { assertQuorum } from './turn-oracle.ts';

export function bind(
  state: RuleState,
  entry: EntryOf<'binding-made'>,
  { leaf, index }: OracleEntry,
): void {
  const action = state.known(entry.action_id);
  hold(action.binding === undefined, 'TWO_BINDINGS', `${action.id}: bound again`);
  state.end(action.id, 'bound');
  hold(entry.admission === action.admissionLeaf, 'RULE', `${action.id}: binds another admission`);
  const { admission } = action;
  state.assertEpoch(admission, entry.epoch);
  const agent = state.get('agent', admission.agent.id);
  const isSame = agent !== undefined && agent.sponsor === admission.agent.sponsor;
  hold(isSame, 'RULE', `${action.id}: of an agent that works for somebody else by now`);
  const who = entry.decisions.map((each) => each.for ?? each.person);
  hold(!isStricterNow(state, action, who), 'STRICTER_NOW', `${action.id}: bound by an old policy`);
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
      state.isLent(decision, admission.action_type.name) &&
      state.mayDecide(decision.person, decision.credential);
    hold(isApproval, 'BOUND_WITHOUT_APPROVALS', `${action.id}: an approval that does not count`);
    hold(
      approval.notAfterMs >= state.lastMs,
      'BOUND_TOO_LATE',
      `${action.id}: an approval too old`,
    );
  }
  assertQuorum(action.id, entry);
  assertTold(entry, (each) => action.approvals.get(each as Leaf)?.atMs);
  state.company.assertBound(entry, state.lastMs);
  state.models.assertBound(entry);
  state.company.assertVouched(admission);
  const decideByMs = timestampMs(admission.decide_by);
  hold(state.lastMs <= decideByMs, 'BOUND_TOO_LATE', `${action.id}: bound after its expiry`);
  const useByMs = timestampMs(entry.use_by);
  const isByTerms =
    useByMs <= state.lastMs + admission.use_within_s * 1_000 &&
    useByMs <= timestampMs(admission.not_after) &&
    entry.max_uses === admission.max_uses;
  hold(isByTerms, 'RULE', `${action.id}: bound to other terms than admitted`);
  hold(
    sameJson(entry.requirement, admission.requirement),
    'RULE',
    `${action.id}: bound by another requirement than admitted`,
  );
  state.glass.bound(entry, state.lastMs);
  action.binding = { entry, leaf, index };
}

export function revoke(state: RuleState, entry: EntryOf<'binding-revoked'>): void {
  const action = state.known(entry.action_id);
  assertStatement(state, entry, action);
  hold(entry.statement.verdict === 'revoke', 'FORGED', `${action.id}: another verdict`);
  const isNamed = (action.binding?.leaf ?? null) === entry.binding;
  hold(isNamed, 'RULE', `${action.id}: revokes another binding`);
  state.end(action.id, 'revoked');
}
