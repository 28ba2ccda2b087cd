import { isJsonArray, isJsonObject, jsonKind, type Json } from '@countersign/canonical';
import { BindingError } from './binding-error.ts';

/**
 * Checks one JSON value against the type `T` and hands the same value back: what was parsed stays exactly
 * what was received. `path` names the place for the message only.
 */
export type Shape<T> = (json: Json | undefined, path: string) => T;

interface OptionalShape<T> {
  readonly optional: Shape<T>;
}

export type Members<T> = {
  readonly [K in keyof T]-?: undefined extends T[K]
    ? OptionalShape<Exclude<T[K], undefined>>
    : Shape<T[K]>;
};

export function invalid(path: string, expected: string): BindingError {
  return new BindingError('SCHEMA_INVALID', `${path}: expected ${expected}`);
}

/** The same, and what was there instead. */
function wrong(path: string, expected: string, got: Json | undefined): BindingError {
  return invalid(path, `${expected}, got ${gotText(got)}`);
}

/** A number and a word of JSON as they are: they say most. */
function gotText(json: Json | undefined): string {
  return typeof json === 'number' || typeof json === 'boolean' ? String(json) : jsonKind(json);
}

export function optional<T>(shape: Shape<T>): OptionalShape<T> {
  return { optional: shape };
}

/** An object with these members and no others. */
export function object<T extends object>(members: Members<T>): Shape<T> {
  const shapes = new Map<string, Shape<unknown>>();
  const required: string[] = [];
  for (const [name, member] of Object.entries<OptionalShape<unknown> | Shape<unknown>>(members)) {
    const isOptional = typeof member !== 'function';
    shapes.set(name, isOptional ? member.optional : member);
    if (!isOptional) required.push(name);
  }
  return (json, path) => {
    if (!isJsonObject(json)) throw wrong(path, 'an object', json);
    for (const name of Object.keys(json)) {
      const shape = shapes.get(name);
      if (shape === undefined) {
        throw new BindingError('UNKNOWN_MEMBER', `${path}/${name}: expected no such member`);
      }
      shape(json[name], `${path}/${name}`);
    }
    for (const name of required) {
      if (!Object.hasOwn(json, name)) throw invalid(`${path}/${name}`, 'this member');
    }
    // Every member was just checked by the shape of its type.
    return json as unknown as T;
  };
}

/** The `v` or `type` of an object: another one means that its bytes are being passed off as this type. */
export function tag<const T extends string>(text: T): Shape<T> {
  return (json, path) => {
    if (json !== text) throw new BindingError('TYPE_CONFUSION', `${path}: expected ${text}`);
    return text;
  };
}

/** Objects told apart by the text in one member. */
export function variant<T>(member: string, shapes: Readonly<Record<string, Shape<T>>>): Shape<T> {
  const known = new Map(Object.entries(shapes));
  return (json, path) => {
    if (!isJsonObject(json)) throw wrong(path, 'an object', json);
    const name = Object.hasOwn(json, member) ? json[member] : undefined;
    const shape = typeof name === 'string' ? known.get(name) : undefined;
    if (shape === undefined) {
      throw new BindingError('TYPE_CONFUSION', `${path}/${member}: expected a known type`);
    }
    return shape(json, path);
  };
}

export function list<T>(item: Shape<T>, count: { min?: number; max: number }): Shape<readonly T[]> {
  return (json, path) => {
    if (!isJsonArray(json) || json.length < (count.min ?? 0) || json.length > count.max) {
      throw wrong(path, `an array of ${count.min ?? 0} to ${count.max}`, json);
    }
    return json.map((value, index) => item(value, `${path}/${index}`));
  };
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (json, path) => (json === null ? null : shape(json, path));
}

export function either<A, B>(
  isFirst: (json: Json) => boolean,
  first: Shape<A>,
  second: Shape<B>,
): Shape<A | B> {
  return (json, path) =>
    json !== undefined && isFirst(json) ? first(json, path) : second(json, path);
}

export function oneOf<const T extends string>(...texts: readonly T[]): Shape<T> {
  const known: ReadonlySet<unknown> = new Set(texts);
  return (json, path) => {
    if (!known.has(json)) throw wrong(path, `one of ${texts.join(', ')}`, json);
    return json as T;
  };
}

export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Shape<number> {
  return (json, path) => {
    if (typeof json !== 'number' || !Number.isSafeInteger(json) || json < min || json > max) {
      throw wrong(path, `an integer of ${min} to ${max}`, json);
    }
    return json;
  };
}

export const boolean: Shape<boolean> = (json, path) => {
  if (typeof json !== 'boolean') throw wrong(path, 'true or false', json);
  return json;
};

/** Text of at most `max` UTF-16 code units. */
export function text(max: number, min: number = 1): Shape<string> {
  return (json, path) => {
    if (typeof json !== 'string' || json.length < min || json.length > max) {
      throw wrong(path, `text of ${min} to ${max} characters`, json);
    }
    return json;
  };
}

export function matching(pattern: RegExp, expected: string): Shape<string> {
  return (json, path) => {
    if (typeof json !== 'string' || !pattern.test(json)) throw wrong(path, expected, json);
    return json;
  };
}
