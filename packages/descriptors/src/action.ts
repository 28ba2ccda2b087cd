import {
  ACTION_LIMITS,
  digestBytes,
  parseCanonical,
  type Digest,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { ACTION_SCHEMA } from './action-schema.ts';
import { checkValue } from './schema-check.ts';
import { parseSchema } from './schema.ts';

export interface Agent {
  readonly id: string;
  readonly key_thumbprint: Digest;
  readonly model?: string;
  readonly build?: Digest;
}

export interface Principal {
  readonly sub: string;
  readonly kind: 'person' | 'service';
  readonly grant_digest?: Digest;
}

export interface Precondition {
  readonly name: string;
  readonly digest: Digest;
}

/** Member names are those of the wire: schemas/formats/action.md §2. */
export interface ActionEnvelope {
  readonly v: 'countersign.action.v1';
  readonly tenant: string;
  readonly action_id: string;
  readonly nonce: string;
  readonly type: string;
  readonly type_version: number;
  readonly agent: Agent;
  /** Outermost principal first. */
  readonly acting_for: readonly Principal[];
  readonly executor: {
    readonly id: string;
    readonly audience: string;
    readonly descriptor_digest: Digest;
  };
  readonly params: JsonObject;
  readonly preconditions: readonly Precondition[];
  readonly not_after: string;
  readonly max_uses: number;
  readonly parent_digest?: Digest;
  /** Compact JWS, outermost first: schemas/formats/delegation.md. */
  readonly delegation?: readonly string[];
}

declare const parsed: unique symbol;

/** Only parseAction makes one. Its params are checked against a descriptor by validateParams. */
export interface Action {
  readonly [parsed]: true;
  /** As received: canonical, so also what the digest is over. */
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  readonly envelope: ActionEnvelope;
}

const BYTES_MAX = 32_768;

const SCHEMA = parseSchema(ACTION_SCHEMA, 'action');

/** The schema just checked is what makes this true; TypeScript cannot follow it. */
function toEnvelope(value: Json): ActionEnvelope {
  checkValue(value, SCHEMA, '');
  return value as unknown as ActionEnvelope;
}

/**
 * @throws {DescriptorError} UNKNOWN_MEMBER, SCHEMA_INVALID, UNSAFE_TEXT, LIMIT_EXCEEDED
 * @throws {CanonicalError} the codes of the gate: NOT_CANONICAL, DUPLICATE_KEY, LIMIT_EXCEEDED, …
 * @example parseAction(canonicalBytes(envelope)).digest
 */
export function parseAction(bytes: Uint8Array): Action {
  // A copy: the digest must stay true of these bytes whatever the caller does with its buffer.
  const kept = bytes.slice();
  const value = parseCanonical(kept, { ...ACTION_LIMITS, maxBytes: BYTES_MAX });
  const envelope = toEnvelope(value);
  const digest = digestBytes('countersign/action/v1', kept);
  return { bytes: kept, digest, envelope } as Action;
}
