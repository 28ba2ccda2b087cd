/** How many persons, which ones, and in which seats, order and time. */
export interface Quorum {
  readonly approvals: number;
  readonly approvers: 'any' | readonly string[];
  readonly seats?: readonly { readonly approvers: readonly string[]; readonly count: number }[];
  readonly ordered?: true;
  readonly window_s?: number;
}

export type Place = Quorum['approvers'];

/** One for each approval: the seats in their order, then those that any approver fills. schemas/formats/policy.md §7.7. */
export function placesOf({ approvals, approvers, seats = [] }: Quorum): readonly Place[] {
  const seated = seats.flatMap(({ approvers: own, count }) => {
    const left = approvers === 'any' ? own : own.filter((each) => approvers.includes(each));
    return Array.from({ length: count }, (): Place => left);
  });
  const length = Math.max(0, approvals - seated.length);
  return [...seated, ...Array.from({ length }, () => approvers)];
}

export function isFor(place: Place | undefined, person: string): boolean {
  return place === 'any' || place?.includes(person) === true;
}

/**
 * How many of these persons have a place at once. Whoever sits moves on where another place is open to them (augmenting
 * paths), so what is left for the next one does not depend on who came first.
 */
export function seatedOf(persons: readonly string[], places: readonly Place[]): number {
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
export function areFillable(places: readonly Place[], out: readonly string[]): boolean {
  const named = places.filter((place) => place !== 'any');
  const persons = [...new Set(named.flat())].filter((person) => !out.includes(person));
  return seatedOf(persons, named) === named.length;
}

/** Whether the persons whom a quorum names could ever fill it, without those who are out. */
export function canBeFilled(needed: Quorum, out: readonly string[] = []): boolean {
  return areFillable(placesOf(needed), out);
}
