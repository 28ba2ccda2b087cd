import { BindingError, parseSignedObject, type RefusalCode } from '@countersign/binding';
import {
  CanonicalError,
  isJsonObject,
  isUlid,
  parseStrict,
  type Json,
} from '@countersign/canonical';
import type { Submission } from './intake-input.ts';

/** Frames larger than this are refused before they reach a ledger. */
const PAYLOAD_BYTES_MAX = 131_072;

const LIMITS = { maxBytes: PAYLOAD_BYTES_MAX, maxDepth: 40, maxMembers: 10_000 };

/**
 * Whether the routing fields beside a payload say something else than the payload itself. They choose the
 * shard, and the key under which its content can be erased, so a lie in them would do harm.
 */
export function routingFault(submission: Submission): RefusalCode | undefined {
  const { kind, payload, tenant, actionId } = submission;
  if (payload.length > PAYLOAD_BYTES_MAX) return 'LIMIT_EXCEEDED';
  const hasAction = kind !== 'enrolment' && kind !== 'finding';
  // It becomes part of a record's key, which holds no more than an id; the other two are not found by an action.
  if (hasAction && !isUlid(actionId)) return 'SCHEMA_INVALID';
  try {
    const named = namedIn(submission);
    const agrees = memberOf(named, 'tenant') === tenant;
    const isSameAction = kind === 'finding' || memberOf(named, 'action_id') === actionId;
    return agrees && isSameAction ? undefined : 'TYPE_CONFUSION';
  } catch (error) {
    if (error instanceof BindingError) return error.code;
    if (error instanceof CanonicalError) return 'JSON_SYNTAX';
    throw error;
  }
}

/** The object in a frame that names tenant and action. */
function namedIn({ kind, payload }: Submission): Json | undefined {
  return kind === 'decision' || kind === 'enrolment'
    ? memberOf(parseStrict(payload, LIMITS), 'statement')
    : parseStrict(parseSignedObject(payload).payload, LIMITS);
}

function memberOf(value: Json | undefined, name: string): Json | undefined {
  if (!isJsonObject(value)) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
