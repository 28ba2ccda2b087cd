import { timestampMs } from '@countersign/canonical';
import type { BoundDecision } from './decision-entry.ts';
import type { Verdict } from './decision-statement.ts';
import { voiceOf } from './deputy.ts';
import type { Escalating } from './escalation.ts';
import type { QuorumTerms } from './quorum-terms.ts';
import { areFillable, isFor, placesOf, seatedOf, type Quorum } from './seat-matching.ts';

/** Whether a binding says when each of its approvals was accepted. */
export function isTimed({ ordered, window_s, escalation }: QuorumTerms & Escalating): boolean {
  return ordered === true || window_s !== undefined || escalation !== undefined;
}

/** Of approvals in the order of the log, those that count where an order is asked for: each fills the next place. */
export function inOrder<D>(
  approvals: readonly D[],
  needed: Quorum,
  voice: (approval: D) => string,
): readonly D[] {
  if (needed.ordered !== true) return approvals;
  const places = placesOf(needed);
  const kept: D[] = [];
  for (const approval of approvals) {
    if (isFor(places[kept.length], voice(approval))) kept.push(approval);
  }
  return kept;
}

/** Whether an approval is not older than the window: a moment exactly at the limit counts. */
export function isRecent(
  approval: Pick<BoundDecision, 'at'> | undefined,
  { window_s: windowS }: QuorumTerms,
  nowMs: number,
): boolean {
  if (windowS === undefined) return true;
  return approval?.at !== undefined && timestampMs(approval.at) + windowS * 1_000 >= nowMs;
}

/** Whether a person is one of those whom a quorum could be made of. */
export function mayApprove(needed: Quorum, person: string): boolean {
  return isFor(needed.approvers, person) && placesOf(needed).some((place) => isFor(place, person));
}

/** Why a decision has no place beside the approvals that count. */
export function refusalOfPlace(
  {
    requirement,
    excluded,
  }: {
    readonly requirement: Quorum;
    readonly excluded: readonly { readonly person: string }[];
  },
  { person, verdict }: { readonly person: string; readonly verdict: Verdict },
  taken: readonly string[],
): 'NOT_ELIGIBLE' | 'ORDER' | undefined {
  if (requirement.seats === undefined) return undefined;
  const places = placesOf(requirement);
  if (!mayApprove(requirement, person)) return 'NOT_ELIGIBLE';
  if (verdict === 'deny') return undefined;
  const all = [...taken, person];
  if (requirement.ordered !== true) {
    return seatedOf(all, places) === all.length ? undefined : 'NOT_ELIGIBLE';
  }
  const [next, ...later] = places.slice(taken.length);
  // Who is needed for a later seat, which nobody else could fill, does not fill an earlier one.
  const out = [...all, ...excluded.map((each) => each.person)];
  if (isFor(next, person) && areFillable(later, out)) return undefined;
  return later.some((place) => isFor(place, person)) ? 'ORDER' : 'NOT_ELIGIBLE';
}

/** What a binding lacks of seats, order and window: schemas/formats/evidence.md §5, step 16. */
export function quorumFault(binding: {
  readonly requirement: Quorum;
  readonly decisions: readonly BoundDecision[];
  readonly at: string;
}): 'QUORUM_NOT_MET' | 'ORDER' | 'WINDOW' | undefined {
  const { requirement: needed, decisions, at } = binding;
  const persons = decisions.map(voiceOf);
  const isSeated =
    needed.seats === undefined || seatedOf(persons, placesOf(needed)) === persons.length;
  if (!isSeated) return 'QUORUM_NOT_MET';
  // Times of this form sort as their text does (canonical-json.md §8).
  const areTold = decisions.every((each) => each.at !== undefined && each.at <= at);
  const isInTurn =
    inOrder(decisions, needed, voiceOf).length === persons.length &&
    decisions.every((each, index) => (decisions[index - 1]?.at ?? '') <= (each.at ?? ''));
  if (needed.ordered === true && !(areTold && isInTurn)) return 'ORDER';
  const areRecent = decisions.every((each) => isRecent(each, needed, timestampMs(at)));
  return needed.window_s === undefined || (areTold && areRecent) ? undefined : 'WINDOW';
}
