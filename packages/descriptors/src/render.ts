import {
  canonicalText,
  isJsonArray,
  valueAt,
  type Digest,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import type { Action, ActionEnvelope } from './action.ts';
import { batchLines } from './batch-display.ts';
import { commonClaims, commonLines, actionLine } from './common-lines.ts';
import type { Computed } from './computation.ts';
import { computationOf, isLine, type Descriptor } from './descriptor.ts';
import { DescriptorError } from './descriptor-error.ts';
import {
  assertShowable,
  displayDigestOf,
  type Display,
  type DisplayLine,
  type OwnLines,
} from './display.ts';
import type { ValuePlace } from './schema-place.ts';
import type { TemplateEntry, TemplateLine, ValueForm } from './template.ts';
import { documentLines, textWarnings } from './text-lines.ts';
import { shownPlain, shownQuoted, type ShownText } from './text-safety.ts';
import { validatedPlaces } from './validate-params.ts';

/** A part of a line with the value of its field. */
type FilledPart =
  | { readonly literal: string }
  | { readonly pointer: string; readonly value: Json; readonly form: ValueForm };

/** Collects the lines of one display, and remembers which fields they have shown. */
class Sheet {
  readonly warnings: string[] = [];
  readonly #envelope: ActionEnvelope;
  readonly #root: JsonObject;
  readonly #shown = new Set<string>();

  constructor(envelope: ActionEnvelope) {
    this.#envelope = envelope;
    this.#root = { params: envelope.params };
  }

  entry(entry: TemplateEntry): DisplayLine[] {
    return isLine(entry) ? this.#lines(entry) : this.#computed(entry.computed);
  }

  #lines(line: TemplateLine): DisplayLine[] {
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

  /** Whether the value there has been shown, by itself or by a computation over all items. */
  hasShown({ pointer, pattern }: ValuePlace): boolean {
    return this.#shown.has(pointer) || this.#shown.has(pattern);
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
    const parts: FilledPart[] = [];
    for (const part of line.text) {
      if ('literal' in part) {
        parts.push(part);
        continue;
      }
      const pointer = resolve(part.field);
      const value = valueAt(this.#root, pointer);
      if (value === undefined) return this.#absent({ ...line, label });
      parts.push({ pointer, value, form: part.form });
    }
    return this.#filled(parts, label);
  }

  /** The line, now that all of its fields are there. */
  #filled(parts: readonly FilledPart[], label: string): DisplayLine[] {
    let text = '';
    for (const part of parts) {
      if ('literal' in part) {
        text += part.literal;
        continue;
      }
      const { pointer, value, form } = part;
      this.#shown.add(pointer);
      if (form === 'document') return this.#take(documentLines(label, value));
      const shown = shownValue(value, form);
      if (typeof value === 'string') this.warnings.push(...textWarnings(label, value, shown));
      text += shown.text;
    }
    return [{ label, value: text }];
  }

  #take(computed: Computed): DisplayLine[] {
    this.warnings.push(...computed.warnings);
    return [...computed.lines];
  }

  #computed(name: string): DisplayLine[] {
    const computation = computationOf(name);
    for (const pointer of computation.shows) this.#shown.add(pointer);
    return this.#take(computation.compute(this.#envelope.params, this.#envelope));
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
function assertAllShown(descriptor: Descriptor, places: readonly ValuePlace[], sheet: Sheet): void {
  for (const place of places) {
    const isMaterial = descriptor.fields.get(place.pattern)?.nonMaterial === undefined;
    if (isMaterial && !sheet.hasShown(place)) {
      throw new DescriptorError(
        'UNRENDERABLE',
        `${place.pointer}: no line of the template shows it here`,
      );
    }
  }
}

/** What a human is shown of an action, with what is signed for it. */
export interface Rendering {
  readonly display: Display;
  readonly displayDigest: Digest;
}

/**
 * What a human is shown of this action: a pure function of both, with no locale and no clock.
 * @throws {DescriptorError} RENDER_REFUSED for what is too long to show in full, UNRENDERABLE, and the
 * codes of validateParams
 * @example displayDigest(render(descriptor, parseAction(bytes)))
 */
export function render(descriptor: Descriptor, action: Action): Display {
  const display = displayOf(descriptor, action);
  assertShowable(display);
  return display;
}

/**
 * As `render`, with the digest of the display, for which it is written only once.
 * @throws {DescriptorError} as `render`
 */
export function renderWithDigest(descriptor: Descriptor, action: Action): Rendering {
  const display = displayOf(descriptor, action);
  return { display, displayDigest: displayDigestOf(assertShowable(display)) };
}

function ownLines(descriptor: Descriptor, action: Action): OwnLines {
  const places = validatedPlaces(descriptor, action);
  if (descriptor.of !== undefined) return batchLines(descriptor, action, ownLines);
  const sheet = new Sheet(action.envelope);
  const lines: DisplayLine[] = [];
  for (const entry of descriptor.template) {
    for (const line of sheet.entry(entry)) lines.push(line);
  }
  const claims = descriptor.claims.flatMap((entry) => sheet.entry(entry));
  assertAllShown(descriptor, places, sheet);
  return { lines, warnings: sheet.warnings, claims };
}

function displayOf(descriptor: Descriptor, action: Action): Display {
  const { envelope } = action;
  const own = ownLines(descriptor, action);
  const lines = [actionLine(descriptor), ...own.lines, ...commonLines(descriptor, envelope)];
  const commonClaim = commonClaims(envelope);
  return {
    v: 'countersign.display.v1',
    nonce: envelope.nonce,
    type: descriptor.type,
    title: descriptor.title,
    lines,
    warnings: [...own.warnings, ...commonClaim.warnings],
    claims: [...own.claims, ...commonClaim.lines],
    not_covered: descriptor.notCovered,
  };
}
