import { type EntryOf, itemDigest, parseUseClaim } from '@countersign/binding';
import { timestampMs, utf8 } from '@countersign/canonical';
import { itemsOf } from '@countersign/descriptors';
import { batchDescriptor } from './batch-choice.ts';
import { hold } from './invariant-broken.ts';
import type { OracleAction } from './oracle-action.ts';
import { isStricterNow } from './policy-oracle.ts';
import type { RuleState } from './rule-state.ts';

export function use(state: RuleState, entry: EntryOf<'binding-used'>, index: number): void {
  const action = state.known(entry.action_id);
  const { binding } = action;
  hold(action.status !== 'revoked', 'USED_AFTER_REVOCATION', action.id);
  hold(binding !== undefined && action.status === 'bound', 'USED_WITHOUT_BINDING', action.id);
  hold(binding.leaf === entry.binding, 'USED_WITHOUT_BINDING', `${action.id}: another binding`);
  hold(!state.isFrozen, 'USED_WHILE_FROZEN', action.id);
  hold(binding.entry.epoch === state.epoch, 'USED_WHILE_FROZEN', `${action.id}: after the thaw`);
  const who = binding.entry.decisions.map((each) => each.for ?? each.person);
  hold(!isStricterNow(state, action, who), 'STRICTER_NOW', `${action.id}: used by an old policy`);
  state.company.assertUsed(binding.entry);
  // Nobody here comes back under the name of an agent that is gone.
  const isThere = state.get('agent', action.admission.agent.id) !== undefined;
  hold(isThere, 'RULE', `${action.id}: used though its agent is gone`);
  const isType = !action.admission.action_type.name.startsWith('authority.');
  hold(isType, 'USED_TOO_OFTEN', `${action.id}: a change of the authority`);
  const isFree = action.uses.size < binding.entry.max_uses && !action.uses.has(entry.use_id);
  hold(isFree, 'USED_TOO_OFTEN', `${action.id}: ${action.uses.size} of ${binding.entry.max_uses}`);
  hold(entry.use_number === action.uses.size + 1, 'RULE', `${action.id}: use number`);
  hold(state.lastMs <= timestampMs(binding.entry.use_by), 'USED_TOO_LATE', action.id);
  hold(!action.isErased, 'RULE', `${action.id}: used after its content was erased`);
  const type = action.admission.action_type.name;
  for (const each of binding.entry.decisions) {
    hold(
      state.mayDecide(each.person, each.credential) && state.isLent(each, type),
      'USED_AFTER_REVOCATION',
      `${action.id}: an approver's key`,
    );
  }
  const isTrue = state.truth.payloads.get(entry.claim) === entry.executor;
  hold(isTrue, 'FORGED', `${action.id}: a use that nobody claimed`);
  const isOurs = entry.executor === action.admission.executor.id;
  hold(isOurs, 'RULE', `${action.id}: used by another executor`);
  assertChoice(action, entry);
  const item = itemOf(state, action, entry);
  action.uses.set(entry.use_id, { index, item, result: undefined });
}

/** Attack rows A12 and A16: one of the items that were asked for, which nobody has used, and in the order of a plan. */
function itemOf(
  state: RuleState,
  action: OracleAction,
  entry: EntryOf<'binding-used'>,
): number | undefined {
  const { item } = parseUseClaim(utf8(entry.claim));
  const { batch, action_digest: digest } = action.admission;
  hold((item === undefined) === (batch === undefined), 'RULE', `${action.id}: an item, or none`);
  if (item === undefined || batch === undefined) return undefined;
  const { index } = item;
  const asked = state.truth.batches.get(digest);
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
