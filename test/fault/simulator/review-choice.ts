import type { JsonObject } from '@countersign/canonical';
import type { OracleAction } from './oracle-action.ts';
import type { SeededChoice } from './seeded-choice.ts';

/** Whether it ran in an emergency, or can run no more. */
export function isReviewable(
  { admission, binding, status, uses }: OracleAction,
  nowMs: number,
): boolean {
  if (admission.requirement.break_glass === undefined || binding === undefined) return false;
  return status === 'revoked' || uses.size > 0 || Date.parse(binding.entry.use_by) < nowMs;
}

/** What the log says of an emergency, as whoever asks for its review reads it; now and then something else. */
export function someReview(
  random: SeededChoice,
  { id, admission, binding, uses }: OracleAction,
): JsonObject {
  const { agent, action_type: type, action_digest: digest } = admission;
  const [use] = uses.values();
  const result = use === undefined ? 'not-used' : (use.result ?? 'not-reported');
  return {
    kind: 'reviewed',
    action_id: id,
    action_type: type.name,
    action_digest: digest,
    approvers: (binding?.entry.decisions ?? []).flatMap(({ person, for: away }) =>
      away === undefined ? [person] : [person, away],
    ),
    concerned: [...new Set([agent.owner, agent.person ?? agent.owner])].sort(),
    result: random.chance(0.1) ? 'unknown' : result,
    verdict: random.of(['justified', 'not-justified']),
    remarks: 'looked at',
  };
}
