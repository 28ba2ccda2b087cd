import type { Digest, JsonLimits } from '@countersign/canonical';
import { digest, id, leaf, tenant, time, ulid, type Leaf } from './field-shape.ts';
import { parseCanonicalObject } from './json-bytes.ts';
import { object, tag, type Shape } from './shape.ts';

/** An executor's claim to run a binding once: schemas/formats/entries.md §3. */
export interface UseClaim {
  readonly v: 'countersign.use.v1';
  readonly tenant: string;
  readonly action_id: string;
  readonly use_id: string;
  readonly action_digest: Digest;
  readonly binding: Leaf;
  readonly executor: string;
  readonly claimed_at: string;
}

export const SIGNED_PAYLOAD_LIMITS: JsonLimits = { maxBytes: 8_192, maxDepth: 4, maxMembers: 100 };

const useClaim: Shape<UseClaim> = object<UseClaim>({
  v: tag('countersign.use.v1'),
  tenant,
  action_id: ulid,
  use_id: ulid,
  action_digest: digest,
  binding: leaf,
  executor: id,
  claimed_at: time,
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
