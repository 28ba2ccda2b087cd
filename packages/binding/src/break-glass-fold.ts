import { timestampMs, utf8 } from '@countersign/canonical';
import { knownAction } from './action-change.ts';
import type { ActionRecord } from './action-record.ts';
import type { AuthorityChange } from './authority-change.ts';
import type { BindingMade } from './decision-entry.ts';
import { parseExecutionReport } from './execution-report.ts';
import type { Tables } from './fold.ts';
import type { FindingRaised } from './ledger-entry.ts';
import type { ExecutionReported } from './use-entry.ts';

type BreakGlassRecord = NonNullable<ActionRecord['breakGlass']>;

/** What a binding by a rule for emergencies leaves to be done; nothing for any other. */
export function brokenBy({
  requirement,
  agent,
  at,
}: BindingMade): Pick<ActionRecord, 'breakGlass'> {
  if (requirement.break_glass === undefined) return {};
  const reviewByMs = timestampMs(at) + requirement.break_glass.review_within_s * 1_000;
  const concerned = [...new Set([agent.owner, agent.person ?? agent.owner])].sort();
  return { breakGlass: { reviewByMs, concerned } };
}

/** Puts an action that waits for its review where its limit is found. */
export function putUnreviewed(tables: Tables, { id, breakGlass }: ActionRecord): void {
  if (breakGlass === undefined || breakGlass.reviewedIndex !== undefined) return;
  tables.unreviewed.set(id, breakGlass.reviewByMs);
  tables.deadlines.push({ atMs: breakGlass.reviewByMs, id });
}

/** When it is due to be said that nobody has reviewed it; undefined where that is not, or no more. */
export function reviewDueMs({ breakGlass }: ActionRecord): number | undefined {
  const isDue =
    breakGlass !== undefined &&
    breakGlass.reviewedIndex === undefined &&
    breakGlass.isOverdue === undefined;
  return isDue ? breakGlass.reviewByMs : undefined;
}

/** Whether any action is still unreviewed though its time is over: then nobody breaks the glass again. */
export function isReviewOverdue({ unreviewed }: Pick<Tables, 'unreviewed'>, atMs: number): boolean {
  return [...unreviewed.entries().values()].some((reviewByMs) => reviewByMs < atMs);
}

export function resultOf(
  { breakGlass }: ActionRecord,
  { report }: ExecutionReported,
): Pick<ActionRecord, 'breakGlass'> {
  if (breakGlass === undefined) return {};
  return { breakGlass: { ...breakGlass, result: parseExecutionReport(utf8(report)).result } };
}

export function evolveOverdue(tables: Tables, { finding, about }: FindingRaised): void {
  if (finding !== 'BREAK_GLASS_UNREVIEWED') return;
  change(tables, about.action_id ?? '', { isOverdue: true });
}

export function evolveReview(tables: Tables, made: AuthorityChange, index: number): void {
  if (made.kind !== 'reviewed') return;
  change(tables, made.action_id, { reviewedIndex: index });
  tables.unreviewed.delete(made.action_id);
}

function change(tables: Tables, id: string, more: Partial<BreakGlassRecord>): void {
  const record = knownAction(tables, id);
  if (record.breakGlass === undefined) return;
  tables.actions.set({ ...record, breakGlass: { ...record.breakGlass, ...more } });
}
