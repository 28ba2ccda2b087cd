import { integer, type Shape } from './shape.ts';

/** How often a ledger can be frozen. */
export const EPOCH_MAX = 1_000_000;

export const epoch: Shape<number> = integer(0, EPOCH_MAX);
