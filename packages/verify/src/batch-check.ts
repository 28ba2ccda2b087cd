import { utf8 } from '@countersign/canonical';
import {
  assertInBatch,
  batchOf,
  BindingError,
  parseExecutionReport,
  parseUseClaim,
  type Batch,
  type BindingMade,
  type UseClaim,
} from '@countersign/binding';
import type { Action, Descriptor } from '@countersign/descriptors';
import { sameJson } from './same-json.ts';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

/** Erased or not, the admission of a batch froze its items, and each of them has one use. */
export function assertBatched({ of }: Descriptor, { evidence }: Verification): void {
  const { batch, max_uses: uses } = evidence.admission.entry;
  if ((batch === undefined) === (of === undefined) && (batch?.count ?? uses) === uses) return;
  throw new VerifyError('ADMISSION_MISMATCH', 'expected one use for each item of a batch');
}

export function assertBatch(descriptor: Descriptor, action: Action, run: Verification): void {
  const { batch } = run.evidence.admission.entry;
  if (batch === undefined || sameJson(batchOf(descriptor, action), batch)) return;
  throw new VerifyError('ADMISSION_MISMATCH', 'expected the items that the action has');
}

/** A use is of one of the items that were approved: attack row A12. */
export function assertItem({ item }: UseClaim, { batch }: BindingMade): void {
  try {
    assertInBatch(item, batch);
  } catch (error) {
    if (!(error instanceof BindingError)) throw error;
    throw new VerifyError(error.code, error.message, { cause: error });
  }
}

/** Each item once; of a plan, each after the one before it was reported to have succeeded: attack row A16. */
export function assertItems({ evidence }: Verification): void {
  const { batch } = evidence.binding.entry;
  if (batch === undefined) return;
  const items = evidence.uses.map(({ entry }) => parseUseClaim(utf8(entry.claim)).item?.index);
  if (new Set(items).size !== items.length) {
    throw new VerifyError('ALREADY_CONSUMED', 'expected each item once');
  }
  if (batch.order === 'listed') assertOrder(evidence, items, batch);
}

function assertOrder(
  { uses, reports }: Verification['evidence'],
  items: readonly (number | undefined)[],
  { count }: Batch,
): void {
  for (let index = 1; index < count; index += 1) {
    const next = uses[items.indexOf(index)]?.entry;
    const before = uses[items.indexOf(index - 1)]?.entry;
    if (next === undefined) continue;
    const isDone = reports.some(
      ({ entry }) =>
        entry.use_id === before?.use_id &&
        parseExecutionReport(utf8(entry.report)).result === 'succeeded' &&
        entry.at <= next.at,
    );
    if (!isDone) throw new VerifyError('PLAN_ORDER', `expected item ${index} to have succeeded`);
  }
}
