import { isJsonObject, type Digest, type JsonLimits } from '@countersign/canonical';
import type { Chosen } from '@countersign/descriptors';
import { batchItem, type BatchItem } from './batch-item.ts';
import { digest, id, leaf, tenant, time, ulid, type Leaf } from './field-shape.ts';
import { parseCanonicalObject } from './json-bytes.ts';
import { invalid, object, tag, text, variant, type Shape } from './shape.ts';

/** An executor's claim to run a binding once: schemas/formats/entries.md §3. */
export interface UseClaim {
  readonly v: 'countersign.use.v1' | 'countersign.use.v2' | 'countersign.use.v3';
  readonly tenant: string;
  readonly action_id: string;
  readonly use_id: string;
  readonly action_digest: Digest;
  readonly binding: Leaf;
  readonly executor: string;
  readonly claimed_at: string;
  /** In version 2 alone, which is for actions that have bounds. Whether it keeps them is for the ledger to say. */
  readonly chosen?: Chosen;
  /** In version 3 alone, which is for batches. */
  readonly item?: BatchItem;
}

export const SIGNED_PAYLOAD_LIMITS: JsonLimits = { maxBytes: 8_192, maxDepth: 4, maxMembers: 100 };

const CHOSEN_MAX = 8;
const CHOSEN_NAME = /^[a-z][a-z0-9_]{0,31}$/;
const chosenValue = text(32);

/** Any short texts: one that is no amount is refused by the name of its bound, and so told apart from a damaged claim. */
const chosen: Shape<Chosen> = (json, path) => {
  if (!isJsonObject(json)) throw invalid(path, 'an object');
  const names = Object.keys(json);
  if (names.length > CHOSEN_MAX || !names.every((name) => CHOSEN_NAME.test(name))) {
    throw invalid(path, `at most ${CHOSEN_MAX} values by the names of bounds`);
  }
  for (const name of names) chosenValue(json[name], `${path}/${name}`);
  return json as Chosen;
};

const members = {
  tenant,
  action_id: ulid,
  use_id: ulid,
  action_digest: digest,
  binding: leaf,
  executor: id,
  claimed_at: time,
};

const useClaim: Shape<UseClaim> = variant<UseClaim>('v', {
  'countersign.use.v1': object<Omit<UseClaim, 'chosen' | 'item'>>({
    v: tag('countersign.use.v1'),
    ...members,
  }),
  'countersign.use.v2': object<Omit<UseClaim, 'item'> & { readonly chosen: Chosen }>({
    v: tag('countersign.use.v2'),
    ...members,
    chosen,
  }),
  'countersign.use.v3': object<Omit<UseClaim, 'chosen'> & { readonly item: BatchItem }>({
    v: tag('countersign.use.v3'),
    ...members,
    item: batchItem,
  }),
});

/** @throws BindingError NOT_CANONICAL, TYPE_CONFUSION, UNKNOWN_MEMBER, SCHEMA_INVALID, and the codes of the gate */
export function parseUseClaim(payload: Uint8Array): UseClaim {
  return useClaim(parseCanonicalObject(payload, SIGNED_PAYLOAD_LIMITS), 'use claim');
}

const SHORT_ID_CHARACTERS = 10;

/** What a target system records beside the execution. A ULID's last ten characters are 50 random bits. */
export function shortIdOf(useId: string): string {
  return `cs-${useId.slice(-SHORT_ID_CHARACTERS)}`;
}
