import { integer, object, type Shape } from './shape.ts';

/** What was asked of a person and what they had decided in the hour before a decision: schemas/formats/entries.md §10. */
export interface Load {
  /** Requests that they could decide. */
  readonly prompts_1h: number;
  /** Decisions of theirs, this one not among them. */
  readonly decisions_1h: number;
}

export const load: Shape<Load> = object<Load>({
  prompts_1h: integer(0),
  decisions_1h: integer(0),
});
