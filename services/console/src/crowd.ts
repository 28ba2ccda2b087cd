import type { HeadlinePart } from './headline.ts';
import type { OpenRequest } from './inbox.ts';

/** Many open requests of one agent for one kind of action. They stand together, and each is still decided by itself. */
export interface Crowd {
  readonly agent: string;
  readonly title: string;
  readonly requests: readonly OpenRequest[];
}

export interface RankedRequests {
  /** What is in no crowd. */
  readonly alone: readonly OpenRequest[];
  /** The smallest first. */
  readonly crowds: readonly Crowd[];
}

const CROWD_MIN = 5;

/**
 * Puts what is unlike the others first, so that nobody hides one request among many (attack row H07): what is in no crowd, then the
 * crowds. Within each, the order that was given.
 */
export function ranked(requests: readonly OpenRequest[]): RankedRequests {
  const groups = new Map<string, OpenRequest[]>();
  for (const request of requests) {
    const key = JSON.stringify([request.agent, request.title]);
    groups.set(key, [...(groups.get(key) ?? []), request]);
  }
  const crowds = [...groups.values()]
    .filter(({ length }) => length >= CROWD_MIN)
    .sort((a, b) => a.length - b.length);
  const inCrowd = new Set(crowds.flat());
  return {
    alone: requests.filter((request) => !inCrowd.has(request)),
    crowds: crowds.flatMap((group) => {
      const [first] = group;
      return first === undefined
        ? []
        : [{ agent: first.agent, title: first.title, requests: group }];
    }),
  };
}

/** What two requests have in common that ask for the same with other numbers and ids. */
export function likenessOf(headline: readonly HeadlinePart[], warnings: number): string {
  const words = headline.map(({ text }) => text.replace(/[0-9A-Fa-f]{6,}|[0-9]+/g, '#'));
  return JSON.stringify([words, warnings > 0]);
}

/** The rarest first; what is not checked yet, and so like nothing that is known, last. Otherwise in the order given. */
export function oddFirst<Row>(
  rows: readonly Row[],
  likeness: (row: Row) => string | undefined,
): readonly Row[] {
  const counts = new Map<string | undefined, number>();
  for (const row of rows) counts.set(likeness(row), (counts.get(likeness(row)) ?? 0) + 1);
  const rank = (row: Row): number => {
    const what = likeness(row);
    return what === undefined ? Infinity : (counts.get(what) ?? 0);
  };
  return rows.toSorted((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
}
