import type { DecisionInput } from './input.ts';

/** A decision whose admission is not known yet. Held in memory only: schemas/formats/entries.md §6. */
export interface HeldInput {
  readonly decision: DecisionInput;
  readonly heldAtMs: number;
}
