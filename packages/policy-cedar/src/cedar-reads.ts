/** What one policy looks at. Cedar has no way to look at an attribute but by its name. */
export interface Reads {
  /** Whether any part of it names this attribute. */
  readonly names: (attribute: string) => boolean;
  /** Whether it looks at this member of an attribute that is a record, or at the record as a whole. */
  readonly looksInto: (attribute: string, member: string) => boolean;
}

/** `left.a`, or `left has a.b`. */
interface Access {
  readonly left: unknown;
  readonly path: readonly [string, ...string[]];
}

/** @param json a policy in Cedar's JSON format */
export function readsOf(json: object): Reads {
  const text = JSON.stringify(json);
  const found = new Found();
  found.collect(json);
  const counted = new Map<string, number>();
  const timesNamed = (attribute: string): number => {
    const times = counted.get(attribute) ?? text.split(JSON.stringify(attribute)).length - 1;
    counted.set(attribute, times);
    return times;
  };
  return {
    names: (attribute) => timesNamed(attribute) > 0,
    looksInto: (attribute, member) =>
      found.members(attribute).includes(member) ||
      // Named anywhere else, too: nobody can tell what for.
      timesNamed(attribute) !== found.members(attribute).length,
  };
}

/** What any of these looks at. */
export function readsOfAll(all: readonly Reads[]): Reads {
  return {
    names: (attribute) => all.some((reads) => reads.names(attribute)),
    looksInto: (attribute, member) => all.some((reads) => reads.looksInto(attribute, member)),
  };
}

/** Attributes whose members alone are looked at, with how often that is. */
class Found {
  readonly #members = new Map<string, string[]>();

  /** One for each time that the attribute is accessed. */
  members(attribute: string): readonly string[] {
    return this.#members.get(attribute) ?? [];
  }

  collect(json: unknown): void {
    if (typeof json !== 'object' || json === null) return;
    for (const [operator, operand] of Object.entries(json)) {
      const access = accessOf(operator, operand);
      if (access !== undefined) this.#note(access);
      this.collect(operand);
    }
  }

  #note({ left, path }: Access): void {
    const before = innerOf(left);
    const steps = before === undefined ? path : [before, ...path];
    for (const [index, attribute] of steps.entries()) {
      const member = steps[index + 1];
      if (member === undefined) continue;
      this.#members.set(attribute, [...(this.#members.get(attribute) ?? []), member]);
    }
  }
}

/** The attribute that a value is, if it is one. */
function innerOf(left: unknown): string | undefined {
  if (typeof left !== 'object' || left === null || !('.' in left)) return undefined;
  return accessOf('.', left['.'])?.path.at(-1);
}

function accessOf(operator: string, operand: unknown): Access | undefined {
  if (operator !== '.' && operator !== 'has') return undefined;
  if (typeof operand !== 'object' || operand === null) return undefined;
  if (!('left' in operand) || !('attr' in operand)) return undefined;
  const attrs: readonly unknown[] = Array.isArray(operand.attr) ? operand.attr : [operand.attr];
  const [first, ...rest] = attrs.filter((attr) => typeof attr === 'string');
  if (first === undefined || rest.length + 1 !== attrs.length) return undefined;
  return { left: operand.left, path: [first, ...rest] };
}
