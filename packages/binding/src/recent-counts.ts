import { integer, object, optional, type Shape } from './shape.ts';

/** How many requests of one agent and type were admitted before: schemas/formats/policy.md §10. */
export interface Counted {
  readonly count_1h: number;
  readonly count_24h: number;
}

/** What a policy may look at of the past, as an admission freezes it. */
export interface Recent extends Counted {
  /** Of a batch: of the type of its items. */
  readonly items?: Counted;
}

const counts = { count_1h: integer(0), count_24h: integer(0) };

export const recent: Shape<Recent> = object<Recent>({
  ...counts,
  items: optional(object<Counted>(counts)),
});

export const NOTHING_RECENT: Counted = { count_1h: 0, count_24h: 0 };
