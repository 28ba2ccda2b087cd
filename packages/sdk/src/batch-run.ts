import {
  assertInBatch,
  batchItemOf,
  BindingError,
  itemDigest,
  parseSignedObject,
  parseUseClaim,
  type BatchItem,
} from '@countersign/binding';
import { canonicalText, utf8, type Digest, type JsonObject } from '@countersign/canonical';
import { itemsOf, loadDescriptor, type Action } from '@countersign/descriptors';
import type { Evidence } from '@countersign/verify';
import { orderedAction } from './ordered-action.ts';
import type { ClaimRecord } from './run-record.ts';
import type { RunOrder } from './run-order.ts';
import { SdkError } from './sdk-error.ts';

/** One item of a batch: what is proven to the ledger, and the action that it is. */
export interface RunItem {
  readonly proof: BatchItem;
  readonly action: Action;
}

/**
 * The item that would be run, made of the parameters that would be sent, and proven to be one of those that were approved:
 * undefined for a single action. The evidence has been verified.
 *
 * @throws SdkError NOT_IN_BATCH for an order of an item under a single action, and the reverse; for one too many, and one
 * that is not as it was approved
 */
export function itemToRun(
  order: RunOrder,
  action: Action,
  evidence: Evidence,
): RunItem | undefined {
  const { item: number, params } = order;
  const { batch } = evidence.binding.entry;
  if (number === undefined && batch === undefined) return undefined;
  if (number === undefined || batch === undefined) throw notInBatch();
  const descriptor = loadDescriptor(evidence.descriptor);
  const index = number - 1;
  const approved = itemsOf(descriptor, action)[index];
  if (approved === undefined) throw notInBatch();
  const own = orderedAction({
    action: approved.bytes,
    ...(params !== undefined && { params }),
  });
  const proof = { ...batchItemOf(descriptor, action, index), digest: itemDigest(own, index) };
  try {
    assertInBatch(proof, batch);
  } catch (error) {
    if (!(error instanceof BindingError)) throw error;
    throw new SdkError(error.code, error.message, { cause: error });
  }
  return { proof, action: own };
}

/** An item has its own live state, and the batch none. @throws SdkError PRECONDITION_STALE */
export function assertItemState({ action }: RunItem, live: Readonly<Record<string, Digest>>): void {
  const { preconditions } = action.envelope;
  const isSame = preconditions.every(({ name, digest }) => live[name] === digest);
  const isKnown = Object.keys(live).length === preconditions.length;
  if (isSame && isKnown) return;
  throw new SdkError('PRECONDITION_STALE', 'expected the live state that the item names');
}

/** A claim that is made again is one for the item that it names. @throws SdkError ACTION_DIGEST_MISMATCH */
export function assertSameItem({ frame }: ClaimRecord, item: RunItem | undefined): void {
  const claimed = parseUseClaim(parseSignedObject(utf8(frame)).payload).item;
  if (claimed?.digest === item?.proof.digest) return;
  throw new SdkError('ACTION_DIGEST_MISMATCH', 'expected the item of this run');
}

/**
 * What ran before is not told of other parameters than it ran with. The action is the one of the claim, by its digest, so that its
 * items are those that were approved.
 *
 * @throws SdkError NOT_IN_BATCH
 */
export function assertParamsOfItem({ item, params }: RunOrder, { envelope }: Action): void {
  if (item === undefined || params === undefined) return;
  const { items } = envelope.params;
  const approved = Array.isArray(items) ? (items as readonly JsonObject[])[item - 1] : undefined;
  const own = approved?.['params'];
  if (own === undefined || canonicalText(own) !== canonicalText(params)) throw notInBatch();
}

function notInBatch(): SdkError {
  return new SdkError('NOT_IN_BATCH', 'expected an item of a batch that was approved');
}
