import type { EffectKind } from './expected-effect.ts';

/** One change, as the target's own record tells of it. */
export interface TargetEffect {
  /** Which record: `cloudtrail`, `camt.053`, … */
  readonly record: string;
  /** Of this record alone: the same one may be told of in several files. */
  readonly id: string;
  /** RFC 3339 in UTC, or a day where the record tells no more. */
  readonly at: string;
  readonly kind: EffectKind;
  readonly target: string;
  /** The short id, or what ends as it does, where the record holds one. */
  readonly reference?: string;
  readonly facts: Readonly<Record<string, string>>;
}
