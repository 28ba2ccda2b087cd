import type { EntryOf } from '@countersign/binding';
import { assertUnasked } from './asking-oracle.ts';
import { assertNotNamed } from './escalation-oracle.ts';
import { hold } from './invariant-broken.ts';
import type { OracleAction } from './oracle-action.ts';
import { sceneOf } from './policy-oracle.ts';
import type { RuleState } from './rule-state.ts';

type Refusal = EntryOf<'request-refused' | 'decision-refused' | 'use-refused'>;

/** A refusal says why: that must be so. */
export function refuse(
  state: RuleState,
  entry: EntryOf<'request-refused' | 'decision-refused' | 'use-refused'>,
): void {
  const id = entry.action_id ?? '';
  if (entry.type === 'decision-refused' && entry.code === 'NOT_ELIGIBLE') {
    assertNotNamed(state.known(id).admission, entry, state.lastMs);
  }
  if (entry.type === 'request-refused') assertUnasked(entry, sceneOf(state, entry, true));
  state.company.assertRefused(entry, state.lastMs);
  const isSo = REASONS.get(entry.code)?.(state.actions.get(id), entry) ?? true;
  hold(entry.code !== 'FROZEN' || state.isFrozen, 'WRONG_ANSWER', `${id}: frozen`);
  hold(entry.code !== 'EPOCH_ENDED' || state.epoch > 0, 'WRONG_ANSWER', `${id}: no epoch`);
  hold(isSo, 'WRONG_ANSWER', `${id}: refused as ${entry.code}`);
}

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
      (action): boolean =>
        action?.admission.requirement.device_bound === true ||
        action?.admission.requirement.attested !== undefined,
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
