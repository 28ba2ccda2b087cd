import { isJsonArray, isJsonObject, type Json, type JsonObject } from '@countersign/canonical';
import { DescriptorError } from './descriptor-error.ts';

/** Everything that is wrong with a descriptor has one code: its type cannot be shown. */
export function unrenderable(where: string, expected: string): DescriptorError {
  return new DescriptorError('UNRENDERABLE', `descriptor ${where}: expected ${expected}`);
}

/** Reads one object of a descriptor: unknown members are refused when it is opened. */
export class ClosedRecord {
  readonly where: string;
  readonly #members: JsonObject;

  /** @throws {DescriptorError} UNRENDERABLE */
  constructor(value: Json | undefined, where: string, known: readonly string[]) {
    if (!isJsonObject(value)) throw unrenderable(where, 'an object');
    if (Object.keys(value).some((name) => !known.includes(name))) {
      throw unrenderable(where, `no members but ${known.join(', ')}`);
    }
    this.where = where;
    this.#members = value;
  }

  whole(): JsonObject {
    return this.#members;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#members, name);
  }

  get(name: string): Json | undefined {
    return this.has(name) ? this.#members[name] : undefined;
  }

  text(name: string): string {
    const value = this.get(name);
    if (typeof value !== 'string' || value === '') throw unrenderable(this.#at(name), 'a text');
    return value;
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  count(name: string): number {
    const value = this.get(name);
    if (typeof value !== 'number' || value < 0) throw unrenderable(this.#at(name), 'a count');
    return value;
  }

  list(name: string): readonly Json[] {
    const value = this.get(name);
    if (!isJsonArray(value)) throw unrenderable(this.#at(name), 'an array');
    return value;
  }

  texts(name: string): readonly string[] {
    return this.list(name).map((value) => {
      if (typeof value !== 'string' || value === '') throw unrenderable(this.#at(name), 'texts');
      return value;
    });
  }

  object(name: string): JsonObject {
    const value = this.get(name);
    if (!isJsonObject(value)) throw unrenderable(this.#at(name), 'an object');
    return value;
  }

  #at(name: string): string {
    return `${this.where}/${name}`;
  }
}
