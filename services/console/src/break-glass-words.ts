import type { Requirement } from '@countersign/binding';
import { span } from './time-words.ts';

/** What an approval by a rule for emergencies leaves to be done: schemas/formats/policy.md §8. */
export function breakGlassWords({
  review_within_s: seconds,
}: NonNullable<Requirement['break_glass']>): string {
  return `goes ahead without the usual approvals; two other persons have to review it within ${span(seconds)}`;
}
