import type { EffectKind, ExpectedEffect } from './expected-effect.ts';
import type { TargetEffect } from './target-effect.ts';

/** A use that the log holds, with what it was to do. */
export interface BoundUse {
  readonly actionId: string;
  readonly useId: string;
  readonly shortId: string;
  /** Until when it had to begin: RFC 3339 in UTC. */
  readonly startBy: string;
  /** Undefined where nobody can say: of another type, or with content that was erased. Then its effects are not compared. */
  readonly expected: readonly ExpectedEffect[] | undefined;
  /** What the executor reported, if it did. */
  readonly result?: 'succeeded' | 'failed' | 'unknown';
}

export type FindingName =
  'DUPLICATE_EFFECT' | 'EFFECT_DIFFERS' | 'NO_EFFECT_OBSERVED' | 'UNBOUND_EXECUTION';

export interface Finding {
  readonly finding: FindingName;
  readonly kind: EffectKind;
  readonly target: string;
  readonly use?: { readonly actionId: string; readonly useId: string; readonly shortId: string };
  readonly effect?: { readonly record: string; readonly id: string; readonly at: string };
  /** Names of what is not as it was approved: `kind` and `result` too. Never the values. */
  readonly differs?: readonly string[];
}

export interface Reconciled {
  readonly findings: readonly Finding[];
  /** Uses and effects that agree. */
  readonly matched: number;
}

export interface ReconcileInput {
  readonly uses: readonly BoundUse[];
  readonly effects: readonly TargetEffect[];
  /** For each kind of which a record was read: up to when it is complete. RFC 3339 in UTC. */
  readonly covered: ReadonlyMap<EffectKind, string>;
}

const SHORT_CHARACTERS = 10;

/**
 * Compares uses with the records of targets. Pure, and the same for any order of what it is given, and for effects that are
 * told of twice.
 */
export function reconcile({ uses, effects, covered }: ReconcileInput): Reconciled {
  const byReference = new Map(uses.map((use) => [use.useId.slice(-SHORT_CHARACTERS), use]));
  const observed = new Map<string, TargetEffect[]>();
  const findings: Finding[] = [];
  for (const effect of inOrder(effects)) {
    const use = useOf(effect, byReference);
    if (use === undefined) {
      findings.push({ finding: 'UNBOUND_EXECUTION', ...placeOf(effect) });
      continue;
    }
    const key = placeKey(use, effect.kind);
    const earlier = observed.get(key) ?? [];
    observed.set(key, [...earlier, effect]);
    if (earlier.length > 0) {
      findings.push({ finding: 'DUPLICATE_EFFECT', use: nameOf(use), ...placeOf(effect) });
      continue;
    }
    const differs = differencesOf(use, effect);
    if (differs.length > 0) {
      findings.push({ finding: 'EFFECT_DIFFERS', use: nameOf(use), ...placeOf(effect), differs });
    }
  }
  const unseen = uses.flatMap((use) => missing(use, observed, covered));
  const all = [...findings, ...unseen];
  const wrong = new Set(all.map(({ use, kind }) => `${use?.useId ?? ''} ${kind}`));
  return {
    findings: all.sort(byText),
    matched: [...observed.keys()].filter((key) => !wrong.has(key)).length,
  };
}

/** Each effect once, the earliest first: which of two is the second must not hang on the order of files. */
function inOrder(effects: readonly TargetEffect[]): readonly TargetEffect[] {
  const each = new Map(effects.map((effect) => [`${effect.record} ${effect.id}`, effect]));
  const keyOf = ({ at, record, id }: TargetEffect): string => `${at} ${record} ${id}`;
  return [...each.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function useOf(
  { reference }: TargetEffect,
  uses: ReadonlyMap<string, BoundUse>,
): BoundUse | undefined {
  const parts = /^cs-([0-9A-Z]{10,16})$/i.exec(reference ?? '');
  const text = parts?.[1]?.toUpperCase() ?? '';
  const use = uses.get(text.slice(-SHORT_CHARACTERS));
  // A longer one that only ends alike belongs to another use.
  return use?.useId.endsWith(text) === true && text !== '' ? use : undefined;
}

function differencesOf(use: BoundUse, effect: TargetEffect): readonly string[] {
  if (use.expected === undefined) return [];
  const expected = use.expected.find(({ kind }) => kind === effect.kind);
  if (expected === undefined) return ['kind'];
  const names = Object.entries(effect.facts)
    .filter(([name, value]) => expected.facts[name] !== undefined && expected.facts[name] !== value)
    .map(([name]) => name);
  return [
    ...names,
    ...(expected.target === effect.target ? [] : ['target']),
    // It says that it did not do what the target says it did.
    ...(use.result === 'failed' ? ['result'] : []),
  ].sort();
}

/** Late is not missing: only a record that reaches beyond the last moment for a start can say that nothing happened. */
function missing(
  use: BoundUse,
  observed: ReadonlyMap<string, unknown>,
  covered: ReadonlyMap<EffectKind, string>,
): readonly Finding[] {
  if (use.result === 'failed') return [];
  return (use.expected ?? [])
    .filter(({ kind }) => !observed.has(placeKey(use, kind)))
    .filter(({ kind }) => (covered.get(kind) ?? '') > use.startBy)
    .map(({ kind, target }) => ({ finding: 'NO_EFFECT_OBSERVED', kind, target, use: nameOf(use) }));
}

function placeKey({ useId }: BoundUse, kind: EffectKind): string {
  return `${useId} ${kind}`;
}

function nameOf({ actionId, useId, shortId }: BoundUse): NonNullable<Finding['use']> {
  return { actionId, useId, shortId };
}

function placeOf({ kind, target, record, id, at }: TargetEffect): Pick<
  Finding,
  'kind' | 'target' | 'effect'
> & {
  effect: NonNullable<Finding['effect']>;
} {
  return { kind, target, effect: { record, id, at } };
}

function byText(a: Finding, b: Finding): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}
