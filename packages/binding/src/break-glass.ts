import { integer, invalid, object, type Shape } from './shape.ts';

/** What lets an action go ahead now and be reviewed afterwards: schemas/formats/policy.md §11. */
export interface BreakGlass {
  /** How soon after its binding two other persons must have said what they think of it. */
  readonly review_within_s: number;
}

const REVIEW_WITHIN_MIN_S = 60;
const REVIEW_WITHIN_MAX_S = 259_200;
/** An emergency is now: what can wait an hour can wait for the usual rule. */
const WITHIN_MAX_S = 3_600;

export const breakGlass: Shape<BreakGlass> = object<BreakGlass>({
  review_within_s: integer(REVIEW_WITHIN_MIN_S, REVIEW_WITHIN_MAX_S),
});

/** Whether it is for emergencies alone: only a rule with `break_glass` allows it, and such a rule allows nothing else. */
export function isEmergencyType(type: string): boolean {
  return type.startsWith('emergency.');
}

/** What of a rule is bounded beside it. */
interface Timed {
  readonly proof_classes: readonly string[];
  readonly rationale: string;
  readonly decide_within_s: number;
  readonly use_within_s: number;
  readonly max_uses: number;
}

/** One use, soon, by persons who say why. @throws BindingError SCHEMA_INVALID */
export function assertShort(
  rule: Timed & { readonly break_glass?: BreakGlass },
  path: string,
): void {
  if (rule.break_glass === undefined) return;
  const isShort =
    rule.max_uses === 1 &&
    rule.rationale === 'required' &&
    !rule.proof_classes.includes('possession') &&
    rule.decide_within_s <= WITHIN_MAX_S &&
    rule.use_within_s <= WITHIN_MAX_S;
  if (isShort) return;
  throw invalid(
    path,
    `beside break_glass one use, a rationale, no possession, and times of at most ${WITHIN_MAX_S} s`,
  );
}

/** Of two rules that both have it, the sooner review; undefined unless both have it. */
export function soonerReview(
  one: BreakGlass | undefined,
  other: BreakGlass | undefined,
): BreakGlass | undefined {
  if (one === undefined || other === undefined) return undefined;
  return one.review_within_s <= other.review_within_s ? one : other;
}
