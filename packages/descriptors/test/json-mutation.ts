import type { Json, JsonObject } from '@countersign/canonical';

export type Path = readonly (string | number)[];

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** The path of each value in a document, the document itself left out. */
export function pathsOf(value: Json, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const steps: [string | number, Json][] = isArray(value)
    ? value.map((item, index) => [index, item])
    : Object.entries(value);
  const inner = steps.flatMap(([step, member]) => pathsOf(member, [...path, step]));
  return path.length === 0 ? inner : [path, ...inner];
}

/** A copy with the value at the path changed; undefined removes it. */
export function withChange(
  value: Json,
  path: Path,
  change: (old: Json) => Json | undefined,
): Json | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return change(value);
  if (isArray(value)) {
    return value.flatMap((item, index) => {
      const next = index === step ? withChange(item, rest, change) : item;
      return next === undefined ? [] : [next];
    });
  }
  const members: Record<string, Json> = {};
  for (const [name, member] of Object.entries(value as JsonObject)) {
    const next = name === step ? withChange(member, rest, change) : member;
    if (next !== undefined) members[name] = next;
  }
  return members;
}

function changedText(text: string): string[] {
  const last = text.slice(-1) === '0' ? '1' : '0';
  return [`${text.slice(0, -1)}${last}`, `${text}0`, text.slice(1), text.toUpperCase(), ` ${text}`];
}

/** Other values in the place of one: of its type, of another type, with more and with less in it. */
export function otherValues(value: Json): Json[] {
  const others: Json[] = [null, true, 7, 'other', [], {}, [value], { value }];
  if (typeof value === 'string') others.push(...changedText(value));
  if (typeof value === 'number') others.push(value + 1, value - 1, String(value));
  if (typeof value === 'boolean') others.push(!value, String(value));
  if (typeof value === 'object' && value !== null) {
    if (isArray(value)) others.push([...value, ...value.slice(0, 1)], [...value].reverse());
    else others.push({ ...value, urgent: true });
  }
  return others;
}
