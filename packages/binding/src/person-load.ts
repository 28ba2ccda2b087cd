import { canonicalText } from '@countersign/canonical';
import { DraftMap } from './draft-map.ts';
import { personId } from './field-shape.ts';
import { jsonOf } from './json-bytes.ts';
import type { Load } from './load.ts';
import {
  HOUR_MINUTES,
  minuteCounts,
  minuteOf,
  recentMinutes,
  sumOf,
  withCount,
  type MinuteCount,
} from './minute-count.ts';
import { QUORUM_MAX, approvers } from './policy.ts';
import { quorumTerms, type Seat } from './quorum-terms.ts';
import type { Quorum } from './seat-matching.ts';
import { mayApprove } from './seating.ts';
import { integer, list, object, type Shape } from './shape.ts';

/** Whom a request asks, as far as its rule says it: few rules ask for all the requests of a ledger. */
type Asked = Pick<Quorum, 'approvals' | 'approvers'> & { readonly seats?: readonly Seat[] };

interface AskedCount extends Asked {
  readonly minutes: readonly MinuteCount[];
}

interface PersonCount {
  readonly person: string;
  readonly minutes: readonly MinuteCount[];
}

/**
 * Requests of the last hour by whom they ask, and who of these may not decide them. So a decision counts rules and not requests, and a request
 * costs as much whether it asks one person or everybody.
 */
export interface LoadTables {
  readonly asked: DraftMap<string, AskedCount>;
  /** By the key of whom is asked, a space, and the person who is not. */
  readonly spared: DraftMap<string, PersonCount>;
  readonly decidedBy: DraftMap<string, PersonCount>;
}

export function loadTablesOver(below: LoadTables | undefined): LoadTables {
  return {
    asked: new DraftMap(below?.asked),
    spared: new DraftMap(below?.spared),
    decidedBy: new DraftMap(below?.decidedBy),
  };
}

export function commitLoad({ asked, spared, decidedBy }: LoadTables): void {
  for (const table of [asked, spared, decidedBy]) table.commit();
}

export function noteAsked(
  { asked, spared }: LoadTables,
  request: {
    readonly requirement: Quorum;
    /** Who may not decide it, whatever its rule says. */
    readonly out: ReadonlySet<string>;
    readonly atMs: number;
  },
): void {
  const whom = askedBy(request.requirement);
  const key = canonicalText(jsonOf(whom));
  const more = { minute: minuteOf(request.atMs), count: 1 };
  asked.set(key, {
    ...whom,
    minutes: withCount(asked.get(key)?.minutes ?? [], more, HOUR_MINUTES),
  });
  for (const person of request.out) {
    if (mayApprove(whom, person)) notePerson(spared, `${key} ${person}`, { person, more });
  }
}

function askedBy({ approvals, approvers: who, seats }: Quorum): Asked {
  return { approvals, approvers: who, ...(seats !== undefined && { seats }) };
}

export function noteDecided({ decidedBy }: LoadTables, person: string, atMs: number): void {
  notePerson(decidedBy, person, { person, more: { minute: minuteOf(atMs), count: 1 } });
}

function notePerson(
  table: DraftMap<string, PersonCount>,
  key: string,
  { person, more }: { readonly person: string; readonly more: MinuteCount },
): void {
  const before = table.get(key)?.minutes ?? [];
  table.set(key, { person, minutes: withCount(before, more, HOUR_MINUTES) });
}

export function loadOf(
  { asked, spared, decidedBy }: LoadTables,
  person: string,
  atMs: number,
): Load {
  const within = (count: { readonly minutes: readonly MinuteCount[] } | undefined): number =>
    sumOf(recentMinutes(count?.minutes ?? [], minuteOf(atMs)));
  let prompts = 0;
  for (const [key, whom] of asked.entries()) {
    if (!mayApprove(whom, person)) continue;
    prompts += within(whom) - within(spared.get(`${key} ${person}`));
  }
  return { prompts_1h: prompts, decisions_1h: within(decidedBy.get(person)) };
}

/** What the fold remembers of it: the hour up to its last entry. */
export interface LoadParts {
  readonly asked: readonly (AskedCount & { readonly spared: readonly PersonCount[] })[];
  readonly decided: readonly PersonCount[];
}

const ANY_NUMBER = { max: 1_000_000 };
const personCounts = list(
  object<PersonCount>({ person: personId, minutes: minuteCounts }),
  ANY_NUMBER,
);

export const loadParts: Shape<LoadParts> = object<LoadParts>({
  asked: list(
    object<LoadParts['asked'][number]>({
      approvals: integer(1, QUORUM_MAX),
      approvers,
      seats: quorumTerms.seats,
      minutes: minuteCounts,
      spared: personCounts,
    }),
    ANY_NUMBER,
  ),
  decided: personCounts,
});

/** In one order, whatever came first. */
export function loadPartsOf({ asked, spared, decidedBy }: LoadTables, atMs: number): LoadParts {
  const of = ([, { person, minutes }]: readonly [string, PersonCount]): readonly PersonCount[] => {
    const kept = recentMinutes(minutes, minuteOf(atMs));
    return kept.length === 0 ? [] : [{ person, minutes: kept }];
  };
  const out = sorted(spared);
  return {
    asked: sorted(asked).flatMap(([key, whom]) => {
      const minutes = recentMinutes(whom.minutes, minuteOf(atMs));
      if (minutes.length === 0) return [];
      const ofKey = out.filter(([each]) => each.startsWith(`${key} `));
      return [{ ...whom, minutes, spared: ofKey.flatMap(of) }];
    }),
    decided: sorted(decidedBy).flatMap(of),
  };
}

function sorted<V>(table: DraftMap<string, V>): readonly (readonly [string, V])[] {
  return [...table.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
}

export function putLoad(tables: LoadTables, { asked, decided }: LoadParts): void {
  for (const { spared, ...whom } of asked) {
    const key = canonicalText(jsonOf(askedBy(whom)));
    tables.asked.set(key, whom);
    for (const each of spared) tables.spared.set(`${key} ${each.person}`, each);
  }
  for (const each of decided) tables.decidedBy.set(each.person, each);
}

/** Frees what no hour holds any more. */
export function trimLoad({ asked, spared, decidedBy }: LoadTables, atMs: number): void {
  for (const table of [asked, spared, decidedBy]) {
    for (const [key, { minutes }] of table.entries()) {
      if (recentMinutes(minutes, minuteOf(atMs)).length === 0) table.delete(key);
    }
  }
}
