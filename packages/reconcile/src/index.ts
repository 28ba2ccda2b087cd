export {
  expectedEffects,
  moneyText,
  type EffectKind,
  type ExpectedEffect,
} from './expected-effect.ts';
export { findingPayload, type PayloadParts } from './finding-payload.ts';
export { type TargetEffect } from './target-effect.ts';
export {
  reconcile,
  type BoundUse,
  type Finding,
  type FindingName,
  type Reconciled,
} from './reconcile.ts';
