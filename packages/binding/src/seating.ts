import { timestampMs } from '@countersign/canonical';
import type { BoundDecision } from './decision-entry.ts';
import type { Verdict } from './decision-statement.ts';
import type { QuorumTerms } from './quorum-terms.ts';

/** How many persons, which ones, and in which seats, order and time. */
interface Quorum extends QuorumTerms {
  readonly approvals: number;
  readonly approvers: 'any' | readonly string[];
}

type Place = Quorum['approvers'];

/** One for each approval: the seats in their order, then those that any approver fills. schemas/formats/policy.md §7.7. */
function placesOf({ approvals, approvers, seats = [] }: Quorum): readonly Place[] {
  const seated = seats.flatMap(({ approvers: own, count }) => {
    const left = approvers === 'any' ? own : own.filter((each) => approvers.includes(each));
    return Array.from({ length: count }, (): Place => left);
  });
  const length = Math.max(0, approvals - seated.length);
  return [...seated, ...Array.from({ length }, () => approvers)];
}

function isFor(place: Place | undefined, person: string): boolean {
  return place === 'any' || place?.includes(person) === true;
}

/**
 * How many of these persons have a place at once. Whoever sits moves on where another place is open to them (augmenting
 * paths), so what is left for the next one does not depend on who came first.
 */
function seatedOf(persons: readonly string[], places: readonly Place[]): number {
  const holders = new Map<number, string>();
  const seat = (person: string, tried: Set<number>): boolean =>
    places.some((place, index) => {
      if (tried.has(index) || !isFor(place, person)) return false;
      tried.add(index);
      const holder = holders.get(index);
      if (holder !== undefined && !seat(holder, tried)) return false;
      holders.set(index, person);
      return true;
    });
  return persons.filter((person) => seat(person, new Set())).length;
}

/** Whether all these places can be filled by somebody whom they name, and who is not out. */
function areFillable(places: readonly Place[], out: readonly string[]): boolean {
  const named = places.filter((place) => place !== 'any');
  const persons = [...new Set(named.flat())].filter((person) => !out.includes(person));
  return seatedOf(persons, named) === named.length;
}

/** Whether the persons whom a quorum names could ever fill it, without those who are out. */
export function canBeFilled(needed: Quorum, out: readonly string[] = []): boolean {
  return areFillable(placesOf(needed), out);
}

/** Whether a binding says when each of its approvals was accepted. */
export function isTimed({ ordered, window_s }: QuorumTerms): boolean {
  return ordered === true || window_s !== undefined;
}

/** Of approvals in the order of the log, those that count where an order is asked for: each fills the next place. */
export function inOrder<D extends { readonly person: string }>(
  approvals: readonly D[],
  needed: Quorum,
): readonly D[] {
  if (needed.ordered !== true) return approvals;
  const places = placesOf(needed);
  const kept: D[] = [];
  for (const approval of approvals) {
    if (isFor(places[kept.length], approval.person)) kept.push(approval);
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
  const persons = decisions.map(({ person }) => person);
  const isSeated =
    needed.seats === undefined || seatedOf(persons, placesOf(needed)) === persons.length;
  if (!isSeated) return 'QUORUM_NOT_MET';
  // Times of this form sort as their text does (canonical-json.md §8).
  const areTold = decisions.every((each) => each.at !== undefined && each.at <= at);
  const isInTurn =
    inOrder(decisions, needed).length === persons.length &&
    decisions.every((each, index) => (decisions[index - 1]?.at ?? '') <= (each.at ?? ''));
  if (needed.ordered === true && !(areTold && isInTurn)) return 'ORDER';
  const areRecent = decisions.every((each) => isRecent(each, needed, timestampMs(at)));
  return needed.window_s === undefined || (areTold && areRecent) ? undefined : 'WINDOW';
}
