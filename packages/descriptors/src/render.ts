import { canonicalText, type Json, type JsonObject } from '@countersign/canonical';
import type { Action } from './action.ts';
import { commonClaims, commonLines, actionLine } from './common-lines.ts';
import type { Computed } from './computation.ts';
import { computationOf, isLine, type Descriptor } from './descriptor.ts';
import { DescriptorError } from './descriptor-error.ts';
import { assertShowable, type Display, type DisplayLine } from './display.ts';
import { isJsonArray, valueAt } from './json-member.ts';
import { valuePointers } from './schema-place.ts';
import type { TemplateLine, TextPart, ValueForm } from './template.ts';
import { documentLines, textWarnings } from './text-lines.ts';
import { shownPlain, shownQuoted, type ShownText } from './text-safety.ts';
import { fieldAt, validateParams } from './validate-params.ts';

/** Collects the lines of one display, and remembers which fields they have shown. */
class Sheet {
  readonly warnings: string[] = [];
  readonly #params: JsonObject;
  readonly #root: JsonObject;
  readonly #shown = new Set<string>();

  constructor(params: JsonObject) {
    this.#params = params;
    this.#root = { params };
  }

  lines(line: TemplateLine): DisplayLine[] {
    if (line.each === undefined) return this.#line(line, line.label, (pointer) => pointer);
    const items = valueAt(this.#root, line.each);
    if (!isJsonArray(items)) return this.#absent(line);
    this.#shown.add(line.each);
    if (items.length === 0) return [{ label: unnumbered(line.label), value: line.empty ?? '' }];
    const { each } = line;
    return items.flatMap((_, i) =>
      this.#line(line, numbered(line.label, i), (pointer) =>
        pointer.replace(`${each}/*`, `${each}/${i}`),
      ),
    );
  }

  show(pointers: readonly string[]): void {
    for (const pointer of pointers) this.#shown.add(pointer);
  }

  /** Whether the pointer, or something that holds it, has been shown. */
  hasShown(pointer: string): boolean {
    return this.#shown.has(pointer) || this.#shown.has(pointer.replace(/\/\d+/g, '/*'));
  }

  #absent(line: TemplateLine): DisplayLine[] {
    return line.absent === undefined ? [] : [{ label: unnumbered(line.label), value: line.absent }];
  }

  #line(line: TemplateLine, label: string, resolve: (pointer: string) => string): DisplayLine[] {
    if (line.when !== undefined) {
      const pointer = resolve(line.when.field);
      if (valueAt(this.#root, pointer) !== line.when.is) return [];
      this.#shown.add(pointer);
    }
    const fields = line.text.flatMap((part) => ('field' in part ? [resolve(part.field)] : []));
    if (fields.some((pointer) => valueAt(this.#root, pointer) === undefined)) {
      return this.#absent({ ...line, label });
    }
    this.show(fields);
    const [first] = line.text;
    if (first !== undefined && 'form' in first && first.form === 'document') {
      return this.#take(documentLines(label, this.#value(resolve(first.field))));
    }
    return [{ label, value: line.text.map((part) => this.#part(part, label, resolve)).join('') }];
  }

  #part(part: TextPart, label: string, resolve: (pointer: string) => string): string {
    if ('literal' in part) return part.literal;
    const value = this.#value(resolve(part.field));
    const shown = shownValue(value, part.form);
    if (typeof value === 'string') this.warnings.push(...textWarnings(label, value, shown));
    return shown.text;
  }

  #value(pointer: string): Json {
    return valueAt(this.#root, pointer) ?? null;
  }

  #take(computed: Computed): DisplayLine[] {
    this.warnings.push(...computed.warnings);
    return [...computed.lines];
  }

  computed(name: string): DisplayLine[] {
    const computation = computationOf(name);
    this.show(computation.shows);
    return this.#take(computation.compute(this.#params));
  }
}

function numbered(label: string, index: number): string {
  return label.replace('{n}', String(index + 1));
}

function unnumbered(label: string): string {
  return label.replace('{n}', '').trimEnd();
}

function shownValue(value: Json, form: ValueForm): ShownText {
  if (typeof value === 'boolean') return { text: value ? 'yes' : 'no', isAltered: false };
  if (typeof value !== 'string') return { text: canonicalText(value), isAltered: false };
  return form === 'quoted' ? shownQuoted(value) : shownPlain(value);
}

/**
 * That each value of this action has been shown. Loading the descriptor checked it for each field; this
 * checks it again for what conditions of lines left out of this one display.
 */
function assertAllShown(descriptor: Descriptor, params: JsonObject, sheet: Sheet): void {
  for (const pointer of valuePointers(params, descriptor.schema, '/params')) {
    if (fieldAt(descriptor, pointer)?.nonMaterial !== undefined || sheet.hasShown(pointer))
      continue;
    throw new DescriptorError('UNRENDERABLE', `${pointer}: no line of the template shows it here`);
  }
}

/**
 * What a human is shown of this action: a pure function of both, with no locale and no clock.
 * @throws {DescriptorError} RENDER_REFUSED for what is too long to show in full, UNRENDERABLE, and the
 * codes of validateParams
 * @example displayDigest(render(descriptor, parseAction(bytes)))
 */
export function render(descriptor: Descriptor, action: Action): Display {
  validateParams(descriptor, action);
  const { envelope } = action;
  const sheet = new Sheet(envelope.params);
  const own = descriptor.template.flatMap((entry) =>
    isLine(entry) ? sheet.lines(entry) : sheet.computed(entry.computed),
  );
  const claims = descriptor.claims.flatMap((line) => sheet.lines(line));
  assertAllShown(descriptor, envelope.params, sheet);
  const common = commonLines(descriptor, envelope);
  const commonClaim = commonClaims(envelope);
  return assertShowable({
    v: 'countersign.display.v1',
    nonce: envelope.nonce,
    type: descriptor.type,
    title: descriptor.title,
    lines: [actionLine(descriptor), ...own, ...common],
    warnings: [...sheet.warnings, ...commonClaim.warnings],
    claims: [...claims, ...commonClaim.lines],
    not_covered: descriptor.notCovered,
  });
}
