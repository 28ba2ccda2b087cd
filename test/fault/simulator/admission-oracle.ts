import { type EntryOf, type Leaf, LEDGER_EXECUTOR, requirementOf } from '@countersign/binding';
import { timestampMs } from '@countersign/canonical';
import { assertAsked } from './asking-oracle.ts';
import { assertEscalates } from './escalation-oracle.ts';
import { BY_ANYBODY } from './fixed-rules.ts';
import { hold } from './invariant-broken.ts';
import { ruleOf, sceneOf } from './policy-oracle.ts';
import type { RuleState } from './rule-state.ts';
import { sameJson } from './same-json.ts';

export function admit(state: RuleState, entry: EntryOf<'request-admitted'>, leaf: Leaf): void {
  const { action_id: id } = entry;
  hold(!state.actions.has(id), 'RULE', `${id} admitted twice`);
  const asked = state.truth.actions.get(entry.action_digest);
  hold(asked === `${id} ${entry.agent.id}`, 'FORGED', `${id}: its agent never asked for it`);
  state.company.assertAdmitted(entry, state.lastMs);
  const agent = state.get('agent', entry.agent.id);
  hold(agent !== undefined, 'RULE', `${id}: of an agent that is not enrolled`);
  hold(timestampMs(entry.not_after) > state.lastMs, 'RULE', `${id}: admitted after its end`);
  const isAuthority = entry.action_type.name.startsWith('authority.');
  hold(isAuthority === (entry.executor.id === LEDGER_EXECUTOR), 'RULE', `${id}: executor`);
  const isByAnybody = BY_ANYBODY.has(entry.action_type.name);
  state.assertEpoch(entry, entry.epoch ?? 0);
  assertAsked(entry, sceneOf(state, entry, !isAuthority));
  const own = state.fixed.get(entry.action_type.name) ?? state.bootstrap;
  const rule = isAuthority ? own : ruleOf(state, entry);
  hold(rule !== undefined, 'RULE', `${id}: admitted without a rule`);
  const isByRule =
    sameJson(entry.requirement, requirementOf(rule)) &&
    entry.use_within_s === rule.use_within_s &&
    (entry.batch?.count === entry.max_uses || entry.max_uses <= rule.max_uses) &&
    timestampMs(entry.decide_by) <= state.lastMs + rule.decide_within_s * 1_000;
  hold(isByRule, 'RULE', `${id}: admitted under another rule than the one in force`);
  assertEscalates(entry);
  const excluded = [
    agent.person,
    ...(state.separation === 'full' ? [agent.owner, agent.sponsor] : []),
    ...entry.acting_for,
  ];
  for (const person of excluded) {
    const isExcluded =
      isByAnybody || person === undefined || entry.excluded.some((each) => each.person === person);
    hold(isExcluded, 'RULE', `${id}: a person who asks is not excluded`);
  }
  state.glass.admitted(entry, state.lastMs);
  if (entry.supersedes !== undefined) state.end(entry.supersedes, 'superseded');
  state.actions.set(id, {
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
