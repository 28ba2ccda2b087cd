import { confirmRule, type ConfirmRule } from './confirmation.ts';
import { personId } from './field-shape.ts';
import {
  GROUP_APPROVALS_MAX,
  joinedGroup,
  companyGroup,
  type CompanyGroup,
} from './company-group.ts';
import { integer, invalid, list, object, optional, type Members, type Shape } from './shape.ts';
import { canBeFilled } from './seat-matching.ts';

export const QUORUM_MAX = 16;
export const APPROVERS_MAX = 64;
const SEATS_MAX = 8;
/** In all seats of a requirement together, so that it stays small beside its proofs. */
const SEATED_MAX = 128;
const WINDOW_MAX_S = 2_592_000;

/** So many approvals come from these persons. */
interface SeatOf<A> {
  readonly approvers: A;
  readonly count: number;
}

export type Seat = SeatOf<readonly string[]>;

/** What a quorum is held to besides its size: schemas/formats/policy.md §7.7. */
export interface QuorumTerms {
  readonly seats?: readonly Seat[];
  /** The seats are filled in their order. */
  readonly ordered?: true;
  /** From the first approval that counts to the last. */
  readonly window_s?: number;
  /** What each who approves has to type. */
  readonly confirm?: ConfirmRule;
  /** In which group of the company each who decides has to be. */
  readonly member_of?: CompanyGroup;
}

/** There or not, and never false: no policy has two spellings. */
export const onlyTrue: Shape<true> = (json, path) => {
  if (json !== true) throw invalid(path, 'true, or no such member');
  return json;
};

export function seatsOf<A extends object>(approvers: Shape<A>): Shape<readonly SeatOf<A>[]> {
  const seat = { approvers, count: integer(1, QUORUM_MAX) } as unknown as Members<SeatOf<A>>;
  return list(object<SeatOf<A>>(seat), { min: 1, max: SEATS_MAX });
}

export const quorumTerms: Members<QuorumTerms> = {
  seats: optional(seatsOf(list(personId, { min: 1, max: APPROVERS_MAX }))),
  ordered: optional(onlyTrue),
  window_s: optional(integer(1, WINDOW_MAX_S)),
  confirm: optional(confirmRule),
  member_of: optional(companyGroup),
};

/** Of a rule, what its requirement says of the quorum. */
export function quorumTermsOf(rule: QuorumTerms): QuorumTerms {
  const { confirm, member_of } = rule;
  return {
    ...seatingOf(rule),
    ...(confirm !== undefined && { confirm }),
    ...(member_of !== undefined && { member_of }),
  };
}

/** Of these, who approves when. */
export function seatingOf({ seats, ordered, window_s }: QuorumTerms): QuorumTerms {
  return {
    ...(seats !== undefined && { seats }),
    ...(ordered !== undefined && { ordered }),
    ...(window_s !== undefined && { window_s }),
  };
}

interface Quorum extends QuorumTerms {
  readonly approvals: number;
  readonly approvers: 'any' | readonly string[];
}

export function assertQuorum(rule: Quorum, path: string): void {
  const { seats, ordered } = rule;
  if (ordered === true && seats === undefined) throw invalid(`${path}/ordered`, 'seats beside it');
  const lists = (seats ?? []).map((seat) => JSON.stringify(seat.approvers));
  // Counted together they are one seat; only an order tells two of the same persons apart.
  if (ordered !== true && new Set(lists).size !== lists.length) {
    throw invalid(`${path}/seats`, 'each list of persons once');
  }
  if (rule.member_of !== undefined && rule.approvals > GROUP_APPROVALS_MAX) {
    throw invalid(`${path}/approvals`, `at most ${GROUP_APPROVALS_MAX} beside member_of`);
  }
  if (!isPossible(rule)) throw invalid(`${path}/seats`, 'seats that its approvers can fill');
}

/** Whether so many persons could ever approve, each in a place of their own. */
export function isPossible(rule: Quorum): boolean {
  const { seats = [], approvals, approvers } = rule;
  const persons = seats.reduce((sum, seat) => sum + seat.approvers.length, 0);
  return (
    approvals <= (rule.member_of === undefined ? QUORUM_MAX : GROUP_APPROVALS_MAX) &&
    seatCount(rule) <= approvals &&
    seats.length <= SEATS_MAX &&
    persons <= SEATED_MAX &&
    (approvers === 'any' || approvers.length >= approvals) &&
    canBeFilled(rule)
  );
}

export function seatCount({ seats = [] }: QuorumTerms): number {
  return seats.reduce((sum, { count }) => sum + count, 0);
}

/** What holds all of these at once; undefined where nothing does: schemas/formats/policy.md §7.4. */
export function joinedTerms(rules: readonly QuorumTerms[]): QuorumTerms | undefined {
  const windows = rules.flatMap(({ window_s: each }) => (each === undefined ? [] : [each]));
  const isOrdered = rules.some(({ ordered }) => ordered === true);
  const seats = joinedSeats(
    rules.flatMap((rule) => (rule.seats === undefined ? [] : [rule.seats])),
    isOrdered,
  );
  const confirm = rules.flatMap((rule) => (rule.confirm === undefined ? [] : [rule.confirm]));
  const [first] = confirm;
  // Nobody could type the ends of two fields into one.
  const isOne = confirm.every(({ field }) => field === first?.field);
  const group = joinedGroup(rules);
  if (seats === undefined || !isOne || group === undefined) return undefined;
  const last = Math.max(...confirm.map((each) => each.last));
  return {
    ...(seats.length > 0 && { seats }),
    ...(isOrdered && { ordered: true }),
    ...(windows.length > 0 && { window_s: Math.min(...windows) }),
    ...(first !== undefined && { confirm: { field: first.field, last } }),
    ...group,
  };
}

/** Two orders cannot be had at once; an order of the same seats can. */
function joinedSeats(
  lists: readonly (readonly Seat[])[],
  isOrdered: boolean,
): readonly Seat[] | undefined {
  const [first = [], ...others] = lists;
  if (!isOrdered) return others.reduce(bothSeats, first);
  return others.every((each) => isSame(each, first)) ? first : undefined;
}

/** The greater count of the same persons; other persons are seats of their own, filled by somebody else. */
function bothSeats(some: readonly Seat[], more: readonly Seat[]): readonly Seat[] {
  const alike = (seat: Seat, all: readonly Seat[]): Seat | undefined =>
    all.find((each) => isSame(each.approvers, seat.approvers));
  return [
    ...some.map((seat) => ({
      approvers: seat.approvers,
      count: Math.max(seat.count, alike(seat, more)?.count ?? 0),
    })),
    ...more.filter((seat) => alike(seat, some) === undefined),
  ];
}

function isSame(some: object, other: object): boolean {
  return JSON.stringify(some) === JSON.stringify(other);
}
