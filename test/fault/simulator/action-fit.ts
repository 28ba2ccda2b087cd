import { timestampMs } from '@countersign/canonical';
import type { OracleAction } from './oracle-action.ts';

export type Fit = (action: OracleAction) => boolean;

export const isDecidable: Fit = ({ status, admission }) =>
  status === 'pending' && !admission.action_type.name.startsWith('authority.');

export const isUsable: Fit = ({ status, admission }) =>
  status === 'bound' && !admission.action_type.name.startsWith('authority.');

/** Whether nothing but a rule could be against one more use. */
export function isLeft({ binding, uses }: OracleAction, nowMs: number): boolean {
  if (binding === undefined) return false;
  const { use_by: useBy, max_uses: most } = binding.entry;
  return uses.size < most && timestampMs(useBy) > nowMs;
}

export const isOfMembers: Fit = ({ admission }) => admission.requirement.member_of !== undefined;

export const isOfCompany: Fit = (action) =>
  isOfMembers(action) || action.admission.delegation !== undefined;

/** Whom its rule does not name, and nobody has left out. */
export function isOutside({ admission }: OracleAction, person: string): boolean {
  const { requirement, excluded } = admission;
  const isNamed = requirement.approvers === 'any' || requirement.approvers.includes(person);
  return !isNamed && !excluded.some((each) => each.person === person);
}
