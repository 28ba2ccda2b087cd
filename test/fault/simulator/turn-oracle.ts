import type { CedarRule, EntryOf, PolicyRule } from '@countersign/binding';
import { canonicalText, timestampMs } from '@countersign/canonical';
import { hold } from './invariant-broken.ts';

/*
 * Seats, order, window and typed text, said again by trying every way: schemas/formats/policy.md §7.7 and §7.8. The
 * population's rules have one seat at most, so what is left of a quorum is anybody's.
 */

type Requirement = EntryOf<'request-admitted'>['requirement'];

interface Said {
  readonly person: string;
  readonly atMs: number;
}

/** That an approval had a place beside those that stood, when it was taken. */
export function assertTurn(
  { action_id: id, requirement: needed, confirmation }: EntryOf<'request-admitted'>,
  approval: Said & { readonly typed: string | undefined },
  before: readonly Said[],
): void {
  hold(approval.typed === confirmation, 'UNCONFIRMED', `${id}: ${approval.typed ?? 'nothing'}`);
  const recent = before.filter(({ atMs }) => atMs + windowMsOf(needed) >= approval.atMs);
  const all = [...inTurn(recent, needed), approval];
  const persons = all.map(({ person }) => person);
  hold(canSit(persons, needed), 'BOUND_OUT_OF_TURN', `${id}: an approval that fills no place`);
}

/** That the approvals of a binding fill the places of its rule, in their order and in time. */
export function assertQuorum(
  id: string,
  { requirement: needed, decisions, at }: EntryOf<'binding-made'>,
): void {
  const persons = decisions.map((each) => each.for ?? each.person);
  hold(canSit(persons, needed), 'BOUND_OUT_OF_TURN', `${id}: places that are not filled`);
  const isTimed = needed.ordered === true || needed.window_s !== undefined;
  if (!isTimed) return;
  const times = decisions.map((each) => timestampMs(each.at ?? ''));
  const isInOrder = times.every((atMs, index) => atMs >= (times[index - 1] ?? 0));
  const isRecent = times.every((atMs) => atMs + windowMsOf(needed) >= timestampMs(at));
  hold(isInOrder && isRecent, 'BOUND_OUT_OF_TURN', `${id}: approvals out of order, or too old`);
}

/** Whether a rule asks for other places, or another text, than what was asked for: then nobody can tell which is stricter. */
export function isOtherTurn(rule: CedarRule | PolicyRule, was: Requirement): boolean {
  if (!('seats' in rule || 'ordered' in rule || 'window_s' in rule || 'confirm' in rule))
    return false;
  const isUntyped = rule.confirm !== undefined && was.confirm === undefined;
  const [now, then] = [placesOf(rule), placesOf(was)];
  return isUntyped || (now !== '{}' && now !== then);
}

function placesOf({
  seats,
  ordered,
  window_s: windowS,
}: Pick<CedarRule, 'seats' | 'ordered' | 'window_s'>): string {
  const places = {
    ...(seats !== undefined && { seats }),
    ...(ordered !== undefined && { ordered }),
    ...(windowS !== undefined && { window_s: windowS }),
  };
  return canonicalText(places);
}

function windowMsOf({ window_s: windowS = Infinity }: Requirement): number {
  return windowS * 1_000;
}

/** Where an order is asked for, only what came in it counts. */
function inTurn(said: readonly Said[], needed: Requirement): readonly Said[] {
  if (needed.ordered !== true) return said;
  return said.reduce<readonly Said[]>((kept, each) => {
    const all = [...kept, each];
    return canSit(
      all.map(({ person }) => person),
      needed,
    )
      ? all
      : kept;
  }, []);
}

function canSit(persons: readonly string[], needed: Requirement): boolean {
  const { seats: [seat, ...more] = [], ordered, approvals } = needed;
  hold(more.length === 0 && (seat?.count ?? 1) === 1, 'RULE', 'more seats than anybody asked for');
  if (persons.length > approvals || new Set(persons).size < persons.length) return false;
  if (seat === undefined) return true;
  const isOfSeat = (person: string | undefined): boolean =>
    person !== undefined && seat.approvers.includes(person);
  if (ordered === true) return isOfSeat(persons[0]);
  return persons.some(isOfSeat) || persons.length < approvals;
}
