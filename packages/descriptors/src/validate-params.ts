import type { Action } from './action.ts';
import { assertUses, itemsOf } from './batch.ts';
import { computationOf, isLine, type Descriptor } from './descriptor.ts';
import { DescriptorError } from './descriptor-error.ts';
import { batchTotal } from './facts.ts';
import { checkValue } from './schema-check.ts';
import { valuePlaces, type ValuePlace } from './schema-place.ts';

function checkType(descriptor: Descriptor, action: Action): void {
  const { type, type_version: version } = action.envelope;
  if (type === descriptor.type && version === descriptor.typeVersion) return;
  throw new DescriptorError(
    'UNKNOWN_TYPE',
    `expected an action of ${descriptor.type} v${descriptor.typeVersion}, got another type or version`,
  );
}

/** An executor checks the preconditions of its contract; one that it does not know, it would skip. */
function checkPreconditions(descriptor: Descriptor, action: Action): ReadonlySet<string> {
  const names = action.envelope.preconditions.map((precondition) => precondition.name);
  const given = new Set(names);
  const { preconditions, optionalPreconditions } = descriptor.contract;
  const known = [...preconditions, ...optionalPreconditions];
  if (given.size !== names.length || names.some((name) => !known.includes(name))) {
    const expected = known.length === 0 ? 'none' : `each at most once of ${known.join(', ')}`;
    throw new DescriptorError('SCHEMA_INVALID', `/preconditions: expected ${expected}`);
  }
  const missing = preconditions.find((name) => !given.has(name));
  if (missing !== undefined) {
    throw new DescriptorError('SCHEMA_INVALID', `/preconditions: expected ${missing}`);
  }
  return given;
}

function checkFieldPreconditions(
  descriptor: Descriptor,
  places: readonly ValuePlace[],
  given: ReadonlySet<string>,
): void {
  for (const { pointer, pattern } of places) {
    const precondition = descriptor.fields.get(pattern)?.precondition;
    if (precondition === undefined || given.has(precondition)) continue;
    throw new DescriptorError(
      'SCHEMA_INVALID',
      `${pointer}: expected the precondition ${precondition}, which checks it on live state`,
    );
  }
}

/**
 * Checks an action against its type: the schema, the preconditions, and what the type's computations ask.
 * @throws {DescriptorError} UNKNOWN_TYPE, UNKNOWN_MEMBER, SCHEMA_INVALID, UNRESOLVED_REFERENCE,
 * MONEY_FORMAT, UNSAFE_TEXT, LIMIT_EXCEEDED, UNRENDERABLE, RENDER_REFUSED
 */
export function validateParams(descriptor: Descriptor, action: Action): void {
  validatedPlaces(descriptor, action);
}

/** As `validateParams`, and answers where values stand in the params. */
export function validatedPlaces(descriptor: Descriptor, action: Action): readonly ValuePlace[] {
  const { params } = action.envelope;
  checkType(descriptor, action);
  checkValue(params, descriptor.schema, '/params');
  const given = checkPreconditions(descriptor, action);
  const places = valuePlaces(params, descriptor.schema, '/params');
  if (descriptor.of !== undefined) {
    checkBatch(descriptor, action);
    return places;
  }
  checkFieldPreconditions(descriptor, places, given);
  for (const entry of [...descriptor.template, ...descriptor.claims]) {
    if (!isLine(entry)) computationOf(entry.computed).check?.(params);
  }
  return places;
}

/** Each item is what it would be alone. */
function checkBatch(descriptor: Descriptor, action: Action): void {
  const { of } = descriptor;
  assertUses(action);
  for (const [index, item] of itemsOf(descriptor, action).entries()) {
    try {
      if (of !== undefined) validateParams(of, item);
    } catch (error) {
      if (!(error instanceof DescriptorError)) throw error;
      throw new DescriptorError(error.code, `item ${index + 1}: ${error.message}`);
    }
  }
  batchTotal(descriptor, action);
}
