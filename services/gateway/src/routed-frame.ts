import {
  BindingError,
  parseDecisionMade,
  parseEnrolment,
  parseSignedObject,
} from '@countersign/binding';
import {
  ACTION_LIMITS,
  canonicalBytes,
  digestBytes,
  isJsonObject,
  isUlid,
  parseStrict,
  type Digest,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import type { InputKind, Submission } from './gateway-deps.ts';

/** A frame in its one canonical form, with where it goes. The same frame, however written, is the same input. */
export interface RoutedFrame extends Submission {
  readonly digest: Digest;
  /** Whose frame it says it is: thumbprint of a key, or a person. Nothing has been verified. */
  readonly sender: string;
}

type Route = Pick<RoutedFrame, 'tenant' | 'actionId' | 'sender'>;

/**
 * Reads as much of a frame as is needed to route it. Everything else is the ledger's to judge, so that what an
 * authenticated sender does wrong is on record.
 * @throws BindingError with a code of formats, NO_HUMAN_PROOF or ASSERTION_INVALID
 */
export function routeFrame(kind: InputKind, json: Json): RoutedFrame {
  const payload = canonicalBytes(json);
  const route = routeOf(kind, payload);
  return { kind, payload, digest: digestBytes('countersign/input/v1', payload), ...route };
}

function routeOf(kind: InputKind, frame: Uint8Array): Route {
  switch (kind) {
    case 'decision': {
      const { tenant, action_id, person } = parseDecisionMade(frame).statement;
      return { tenant, actionId: action_id, sender: person };
    }
    case 'enrolment': {
      const { tenant, person } = parseEnrolment(frame).statement;
      return { tenant, actionId: '', sender: person };
    }
    case 'finding': {
      const { payload, sender } = signedObject(frame);
      return { tenant: tenantIn(payload), actionId: '', sender };
    }
    case 'request':
    case 'use':
    case 'report':
    case 'erasure':
      return signedRoute(frame);
  }
}

function signedRoute(frame: Uint8Array): Route {
  const { payload, sender } = signedObject(frame);
  const tenant = tenantIn(payload);
  const { action_id: actionId } = payload;
  if (typeof actionId !== 'string' || !isUlid(actionId)) {
    throw schemaInvalid('payload/action_id', 'a ULID');
  }
  return { tenant, actionId, sender };
}

function signedObject(frame: Uint8Array): {
  readonly payload: JsonObject;
  readonly sender: string;
} {
  const signed = parseSignedObject(frame);
  const payload = parseStrict(signed.payload, ACTION_LIMITS);
  if (!isJsonObject(payload)) throw schemaInvalid('payload', 'an object');
  return { payload, sender: signed.key };
}

function tenantIn({ tenant }: JsonObject): string {
  if (typeof tenant !== 'string') throw schemaInvalid('payload/tenant', 'a tenant');
  return tenant;
}

function schemaInvalid(path: string, expected: string): BindingError {
  return new BindingError('SCHEMA_INVALID', `${path}: expected ${expected}`);
}
