import {
  fromBase64url,
  isJsonObject,
  saltedDigest,
  type Digest,
  type Json,
} from '@countersign/canonical';
import type { Action, Descriptor, Schema } from '@countersign/descriptors';
import { BindingError } from './binding-error.ts';
import { integer, matching, object, type Shape } from './shape.ts';

/** What a person types of an action before they approve it: schemas/formats/policy.md §7.8. */
export interface ConfirmRule {
  /** Of the params. */
  readonly field: string;
  /** How many characters of its end. */
  readonly last: number;
}

const LAST_MAX = 16;

export const confirmRule: Shape<ConfirmRule> = object<ConfirmRule>({
  field: matching(/^(?:\/[a-z][a-z0-9_]{0,63}){1,8}$/, 'a pointer to a member of the params'),
  last: integer(1, LAST_MAX),
});

/** Salted with the nonce of the action, which is erased with it. */
export function confirmationDigest(nonce: string, typed: string): Digest {
  return saltedDigest('countersign/confirmation/v1', fromBase64url(nonce), typed);
}

/**
 * Whether a field is a text of its type that is carried out: neither what the agent claims, nor in a list or a union.
 * A batch has none: what is typed of it would show nothing of its items.
 */
export function isConfirmable(
  { schema, fields, of }: Pick<Descriptor, 'schema' | 'fields' | 'of'>,
  { field }: ConfirmRule,
): boolean {
  if (of !== undefined) return false;
  const place = stepsOf(field).reduce<Schema | undefined>(
    (at, step) => (at?.kind === 'object' ? at.members.get(step) : undefined),
    schema,
  );
  return place?.kind === 'text' && fields.get(`/params${field}`)?.class === 'executed';
}

function stepsOf(field: string): readonly string[] {
  return field.split('/').slice(1);
}

/** The end of the field; undefined where the action has no such text, or a shorter one. */
function endOf(params: Json, { field, last }: ConfirmRule): string | undefined {
  const value = stepsOf(field).reduce<Json | undefined>(
    (at, step) => (isJsonObject(at) && Object.hasOwn(at, step) ? at[step] : undefined),
    params,
  );
  const characters = typeof value === 'string' ? Array.from(value) : [];
  return characters.length < last ? undefined : characters.slice(-last).join('');
}

/**
 * What an admission freezes of what is to be typed; undefined where nothing is.
 *
 * @throws BindingError NO_POLICY where the rule asks for what this action does not have
 */
export function confirmationOf(
  { envelope }: Pick<Action, 'envelope'>,
  descriptor: Descriptor,
  confirm: ConfirmRule | undefined,
): Digest | undefined {
  if (confirm === undefined) return undefined;
  const end = isConfirmable(descriptor, confirm) ? endOf(envelope.params, confirm) : undefined;
  if (end === undefined) {
    throw new BindingError('NO_POLICY', `request: expected a text to confirm at ${confirm.field}`);
  }
  return confirmationDigest(envelope.nonce, end);
}

/**
 * That an admission froze a confirmation where it had to, for whoever has no action to derive it from.
 *
 * @throws BindingError NO_POLICY
 */
export function assertConfirmed(
  descriptor: Descriptor,
  confirm: ConfirmRule | undefined,
  confirmation: Digest | undefined,
): void {
  const isPossible = confirm === undefined || isConfirmable(descriptor, confirm);
  if (isPossible && (confirm === undefined) === (confirmation === undefined)) return;
  throw new BindingError(
    'NO_POLICY',
    'request: expected a confirmation where the rule asks for one',
  );
}

/** Whether more is to be typed than was: something, of another field, or a longer end. */
export function isLonger(now: ConfirmRule | undefined, was: ConfirmRule | undefined): boolean {
  return now !== undefined && (was?.field !== now.field || was.last < now.last);
}
