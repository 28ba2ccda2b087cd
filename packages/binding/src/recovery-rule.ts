import { QUORUM_MAX } from './quorum-terms.ts';
import { integer, object, type Shape } from './shape.ts';

/** How a ledger comes back when its bootstrap rule can no longer be met, fixed at its founding: schemas/formats/authority.md §13. */
export interface RecoveryRule {
  /** How many persons start a recovery. */
  readonly quorum: number;
  /** Hours from its binding until the key of whom it recovers can be enrolled. */
  readonly delay_h: number;
}

/** Hours, because persons read it before they sign. */
const DELAY_MIN_H = 1;
const DELAY_MAX_H = 720;

export const recoveryQuorum: Shape<number> = integer(1, QUORUM_MAX);

export const recoveryDelay: Shape<number> = integer(DELAY_MIN_H, DELAY_MAX_H);

export const recoveryRule: Shape<RecoveryRule> = object<RecoveryRule>({
  quorum: recoveryQuorum,
  delay_h: recoveryDelay,
});
