import {
  concatBytes,
  digestOf,
  fromBase64,
  fromHex,
  toBase64,
  toHex,
  utf8,
  type Digest,
} from '@countersign/canonical';
import { itemsOf, orderOf, type Action, type Descriptor } from '@countersign/descriptors';
import {
  CompactRange,
  MemoryTree,
  TlogError,
  hashLeaf,
  inclusionProof,
  verifyInclusion,
} from '@countersign/tlog';
import { BindingError, refusing } from './binding-error.ts';
import { digest } from './field-shape.ts';
import { jsonOf } from './json-bytes.ts';
import { integer, list, object, oneOf, text, type Shape } from './shape.ts';

/** What an admission freezes of a batch: schemas/formats/batch-of-actions.md §3. */
export interface Batch {
  readonly root: Digest;
  readonly count: number;
  /** `listed` is a plan: each item waits until the one before it is reported to have succeeded. */
  readonly order: 'any' | 'listed';
}

/** Which item a use is of, with the proof that it is one of what was approved. */
export interface BatchItem {
  /** Of the batch as its executor knows it: a plan that has grown has another one. */
  readonly root: Digest;
  /** From 0. */
  readonly index: number;
  readonly digest: Digest;
  /** Sibling hashes from the leaf up, base64. */
  readonly path: readonly string[];
}

const ITEMS_MAX = 64;
const PATH_MAX = 6;
const LEAF_TAG = utf8('countersign/batch-leaf/v1\n');

export const batch: Shape<Batch> = object<Batch>({
  root: digest,
  count: integer(1, ITEMS_MAX),
  order: oneOf('any', 'listed'),
});

export const batchItem: Shape<BatchItem> = object<BatchItem>({
  root: digest,
  index: integer(0, ITEMS_MAX - 1),
  digest,
  path: list(text(44, 44), { max: PATH_MAX }),
});

/** The nonce of the action is the salt: without it nobody can try items until one fits. */
export function itemDigest(item: Action, index: number): Digest {
  return digestOf('countersign/batch-item/v1', jsonOf({ index, action: item.envelope }));
}

function leafOfItem(named: Digest): Uint8Array {
  return hashLeaf(concatBytes(LEAF_TAG, hashOf(named)));
}

function hashOf(named: Digest): Uint8Array {
  return fromHex(named.slice('sha256:'.length));
}

/** Undefined for an action that is no batch. Its params have passed its descriptor. */
export function batchOf(descriptor: Descriptor, action: Action): Batch | undefined {
  if (descriptor.of === undefined) return undefined;
  const items = itemsOf(descriptor, action);
  const range = CompactRange.empty();
  for (const [index, item] of items.entries()) range.append(leafOfItem(itemDigest(item, index)));
  return { root: `sha256:${toHex(range.root())}`, count: items.length, order: orderOf(action) };
}

/** @throws BindingError NOT_IN_BATCH where there is no such item */
export function batchItemOf(descriptor: Descriptor, action: Action, index: number): BatchItem {
  const digests = itemsOf(descriptor, action).map(itemDigest);
  const named = digests[index];
  if (named === undefined) throw notInBatch();
  const tree = new MemoryTree();
  for (const each of digests) tree.append(leafOfItem(each));
  const path = inclusionProof(index, tree.size, tree.node).map(toBase64);
  return { root: `sha256:${toHex(tree.root())}`, index, digest: named, path };
}

/** Attack rows A12 and A16. @throws BindingError PLAN_DIGEST_MISMATCH, NOT_IN_BATCH */
export function assertInBatch(item: BatchItem | undefined, approved: Batch | undefined): void {
  if (item === undefined && approved === undefined) return;
  if (item === undefined || approved === undefined) throw notInBatch();
  if (item.root !== approved.root) {
    if (approved.order === 'any') throw notInBatch();
    throw new BindingError('PLAN_DIGEST_MISMATCH', 'use: expected the plan that was approved');
  }
  try {
    verifyInclusion({
      leafHash: leafOfItem(item.digest),
      index: item.index,
      size: approved.count,
      proof: item.path.map((hash) => refusing(() => fromBase64(hash))),
      root: hashOf(approved.root),
    });
  } catch (error) {
    if (!(error instanceof TlogError || error instanceof BindingError)) throw error;
    throw notInBatch(error);
  }
}

function notInBatch(cause?: unknown): BindingError {
  return new BindingError('NOT_IN_BATCH', 'use: expected an item of what was approved', { cause });
}
