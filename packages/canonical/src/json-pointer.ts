import { isJsonArray, isJsonObject, type Json } from './json-value.ts';

const NEEDS_ESCAPE = /[~/]/;

/** A name as a step of a JSON pointer (RFC 6901 §3). */
function pointerStep(name: string): string {
  return NEEDS_ESCAPE.test(name) ? name.replaceAll('~', '~0').replaceAll('/', '~1') : name;
}

export function pointerTo(parent: string, name: string | number): string {
  return `${parent}/${typeof name === 'number' ? name : pointerStep(name)}`;
}

/** The name that a step of a JSON pointer stands for. */
function nameOf(step: string): string {
  return step.includes('~') ? step.replaceAll('~1', '/').replaceAll('~0', '~') : step;
}

/** The value that a pointer names, or undefined. */
export function valueAt(root: Json, pointer: string): Json | undefined {
  let value: Json | undefined = root;
  // Step by step, without a list of the steps: this is called for every line of a display.
  for (let start = 1, end = 0; start <= pointer.length && end >= 0; start = end + 1) {
    end = pointer.indexOf('/', start);
    const name = nameOf(pointer.slice(start, end < 0 ? pointer.length : end));
    if (isJsonArray(value)) value = value[Number(name)];
    else if (isJsonObject(value) && Object.hasOwn(value, name)) value = value[name];
    else return undefined;
  }
  return value;
}
