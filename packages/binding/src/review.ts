import { canonicalText, isJsonObject, type Digest, type Json } from '@countersign/canonical';
import type { ActionRecord } from './action-record.ts';
import { BindingError } from './binding-error.ts';
import { voicesIn } from './deputy.ts';
import { digest, personId, ulid } from './field-shape.ts';
import { jsonOf } from './json-bytes.ts';
import { QUORUM_MAX, typeName } from './policy.ts';
import { list, object, oneOf, text, type Shape } from './shape.ts';

const RESULTS = ['not-used', 'not-reported', 'succeeded', 'failed', 'unknown'] as const;

/** What the log says of an action that ran as BREAK-GLASS, as its reviewers sign it. */
interface ReviewedFacts {
  readonly action_id: string;
  readonly action_type: string;
  readonly action_digest: Digest;
  /** Who had approved it, each before the person in whose place that was: a person and their deputy are one voice. */
  readonly approvers: readonly string[];
  /** The owner of the agent, and whose own tool it is. */
  readonly concerned: readonly string[];
  readonly result: (typeof RESULTS)[number];
}

/** Two persons who had no part in it say what they think of it: schemas/formats/authority.md §11. */
export interface Reviewed extends ReviewedFacts {
  readonly kind: 'reviewed';
  readonly verdict: 'justified' | 'not-justified';
  readonly remarks: string;
}

const REMARKS_MAX = 1_000;

export const reviewed: Shape<Reviewed> = object<Reviewed>({
  kind: oneOf('reviewed'),
  action_id: ulid,
  action_type: typeName,
  action_digest: digest,
  approvers: list(personId, { min: 1, max: QUORUM_MAX }),
  concerned: list(personId, { min: 1, max: 2 }),
  result: oneOf(...RESULTS),
  verdict: oneOf('justified', 'not-justified'),
  remarks: text(REMARKS_MAX),
});

/** Who may not be among those who sign for a change: who had a part in what it reviews, whom it recovers, and who becomes a deputy. */
export function partiesTo(change: Json | undefined): readonly Json[] {
  if (!isJsonObject(change)) return [];
  // Whoever can sign has a key, and needs no other persons to enrol one more.
  if (change['kind'] === 'recovery-started') return [change['person'] ?? null];
  // Nobody signs themselves into somebody's place.
  if (change['kind'] === 'deputy-named') return [change['deputy'] ?? null];
  if (change['kind'] !== 'reviewed') return [];
  return [change['approvers'], change['concerned']].flatMap((named) => named ?? []);
}

/** What the log says of it now; undefined where there is nothing to review, or it may still run. */
export function reviewedFacts(
  record: ActionRecord | undefined,
  atMs: number,
): ReviewedFacts | undefined {
  const { breakGlass, binding } = record ?? {};
  if (record === undefined || binding === undefined || breakGlass === undefined) return undefined;
  if (breakGlass.reviewedIndex !== undefined) return undefined;
  const mayRun = record.status === 'bound' && binding.useByMs >= atMs;
  if (record.uses.length === 0 && mayRun) return undefined;
  return {
    action_id: record.id,
    action_type: record.type,
    action_digest: record.actionDigest,
    approvers: binding.approvals.flatMap(voicesIn),
    concerned: breakGlass.concerned,
    result: record.uses.length === 0 ? 'not-used' : (breakGlass.result ?? 'not-reported'),
  };
}

/** @throws BindingError REVIEW_MISMATCH */
export function assertReviewOf(
  record: ActionRecord | undefined,
  change: Reviewed,
  atMs: number,
): void {
  const facts = reviewedFacts(record, atMs);
  const said = canonicalText(jsonOf(change));
  if (facts !== undefined && canonicalText(jsonOf({ ...change, ...facts })) === said) return;
  throw new BindingError(
    'REVIEW_MISMATCH',
    'change: expected what the log says of an action that ran as BREAK-GLASS and waits for its review',
  );
}
