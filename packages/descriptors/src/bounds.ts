import type { Json } from '@countersign/canonical';
import type { Action } from './action.ts';
import { ClosedRecord, unrenderable } from './closed-record.ts';
import { DescriptorError } from './descriptor-error.ts';
import { textAt } from './json-member.ts';
import type { Places } from './schema-place.ts';
import type { ObjectSchema } from './schema.ts';

/** A value that each use of an action chooses, and where its limits stand: descriptor-and-display.md §2.1. */
export interface BoundRule {
  readonly name: string;
  readonly kind: 'money';
  readonly min: string;
  readonly max: string;
}

/** The limits themselves, as an admission freezes them. */
export interface Bound {
  readonly name: string;
  readonly kind: 'money';
  readonly min: string;
  readonly max: string;
}

/** The values that one use has chosen, by the names of the bounds. */
export type Chosen = Readonly<Record<string, string>>;

const MEMBERS = ['name', 'kind', 'min', 'max'];
const NAME = /^[a-z][a-z0-9_]{0,31}$/;
const BOUNDS_MAX = 8;
const MONEY = /^(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,4})?$/;

interface Around {
  readonly schema: ObjectSchema;
  readonly places: Places;
  readonly fields: ReadonlyMap<string, { readonly class: string }>;
}

/** @throws {DescriptorError} UNRENDERABLE */
export function parseBounds(json: readonly Json[], around: Around): readonly BoundRule[] {
  if (json.length === 0 || json.length > BOUNDS_MAX) {
    throw unrenderable('bounds', `1 to ${BOUNDS_MAX} of them, or no such member`);
  }
  const rules = json.map((each, index) => parseRule(each, `bounds/${index}`, around));
  if (new Set(rules.map(({ name }) => name)).size !== rules.length) {
    throw unrenderable('bounds', 'each name once');
  }
  return rules;
}

function parseRule(json: Json, where: string, { schema, places, fields }: Around): BoundRule {
  const record = new ClosedRecord(json, where, MEMBERS);
  const name = record.text('name');
  // A chosen value stands beside the params that were approved, and takes the place of none.
  if (!NAME.test(name) || schema.members.has(name)) {
    throw unrenderable(where, 'a name that no param has');
  }
  if (record.text('kind') !== 'money') throw unrenderable(where, 'the kind money');
  const [min, max] = [record.text('min'), record.text('max')];
  const isLimit = (pointer: string): boolean => {
    const place = places.leaves.get(pointer);
    const isRequired = schema.required.has(pointer.slice('/params/'.length));
    const isExecuted = fields.get(pointer)?.class === 'executed';
    return place?.kind === 'text' && place.format === 'money' && isRequired && isExecuted;
  };
  if (!isLimit(min) || !isLimit(max)) {
    throw unrenderable(where, 'required and executed params of the format money');
  }
  return { name, kind: 'money', min, max };
}

/**
 * What an action allows each use to choose; undefined where its type leaves nothing to choose.
 * @throws {DescriptorError} MONEY_FORMAT, SCHEMA_INVALID
 */
export function boundsOf(
  descriptor: { readonly bounds: readonly BoundRule[] | undefined },
  action: Action,
): readonly Bound[] | undefined {
  const root = { params: action.envelope.params };
  return descriptor.bounds?.map((rule) => {
    const [min, max] = [textAt(root, rule.min), textAt(root, rule.max)];
    if (fractionOf(min).length !== fractionOf(max).length) {
      throw new DescriptorError('MONEY_FORMAT', `${rule.min}: expected as many digits as the max`);
    }
    if (unitsOf(min) > unitsOf(max)) {
      throw new DescriptorError('SCHEMA_INVALID', `${rule.min}: expected at most the max`);
    }
    return { name: rule.name, kind: rule.kind, min, max };
  });
}

/** The name of the first value that is not as the bounds allow, in order of the bounds; undefined for none. */
export function violatedBound(bounds: readonly Bound[], chosen: Chosen): string | undefined {
  const broken = bounds.find(
    (bound) => !Object.hasOwn(chosen, bound.name) || !isWithin(bound, chosen[bound.name] ?? ''),
  );
  const stray = Object.keys(chosen).find((name) => bounds.every((bound) => bound.name !== name));
  return broken?.name ?? stray;
}

function isWithin({ min, max }: Bound, value: string): boolean {
  const digits = fractionOf(value).length;
  const isAlike = [min, max].every((limit) => fractionOf(limit).length === digits);
  if (!MONEY.test(value) || !isAlike) return false;
  return unitsOf(min) <= unitsOf(value) && unitsOf(value) <= unitsOf(max);
}

function fractionOf(money: string): string {
  return money.split('.')[1] ?? '';
}

/** In the smallest unit: exact, whatever the number of digits. */
export function unitsOf(money: string): bigint {
  return BigInt(money.replace('.', ''));
}
