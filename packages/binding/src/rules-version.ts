import { integer, type Shape } from './shape.ts';

/** By which rules a log decides, for as long as it lives: schemas/formats/entries.md §9. */
export type RulesVersion = 1 | 2;

/** Of a ledger that is founded now. */
export const RULES_VERSION: RulesVersion = 2;

export const rulesVersion: Shape<RulesVersion> = (json, path) =>
  integer(1, RULES_VERSION)(json, path) === 1 ? 1 : 2;
