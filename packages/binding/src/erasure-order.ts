import { nonce, tenant, time, ulid } from './field-shape.ts';
import { parseCanonicalObject } from './json-bytes.ts';
import { object, tag, type Shape } from './shape.ts';
import { SIGNED_PAYLOAD_LIMITS } from './use-claim.ts';

/** An operator's order to remove the content of one action: schemas/formats/entries.md §3. */
export interface ErasureOrder {
  readonly v: 'countersign.erasure.v1';
  readonly tenant: string;
  readonly action_id: string;
  readonly requested_at: string;
  readonly nonce: string;
}

const erasureOrder: Shape<ErasureOrder> = object<ErasureOrder>({
  v: tag('countersign.erasure.v1'),
  tenant,
  action_id: ulid,
  requested_at: time,
  nonce,
});

/** @throws BindingError NOT_CANONICAL, TYPE_CONFUSION, UNKNOWN_MEMBER, SCHEMA_INVALID, and the codes of the gate */
export function parseErasureOrder(payload: Uint8Array): ErasureOrder {
  return erasureOrder(parseCanonicalObject(payload, SIGNED_PAYLOAD_LIMITS), 'erasure');
}
