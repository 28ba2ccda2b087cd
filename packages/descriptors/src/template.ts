import { isJsonObject, type Json, type JsonObject } from '@countersign/canonical';
import { ClosedRecord, unrenderable } from './closed-record.ts';
import type { Places } from './schema-place.ts';
import { hasHiddenCharacters } from './text-safety.ts';

const VALUE_FORMS = ['plain', 'quoted', 'document'] as const;

/** plain: the value itself. quoted: as a JSON string. document: an object, as its canonical lines. */
export type ValueForm = (typeof VALUE_FORMS)[number];

export type TextPart =
  { readonly literal: string } | { readonly field: string; readonly form: ValueForm };

/** One line, or one for each item of an array. schemas/formats/descriptor-and-display.md §4. */
export interface TemplateLine {
  readonly label: string;
  readonly text: readonly TextPart[];
  /** The array whose items get a line each; `{n}` in the label is the number, from 1. */
  readonly each: string | undefined;
  /** Shown for an array without items. */
  readonly empty: string | undefined;
  /** Shown for an absent field; without it the line is left out. */
  readonly absent: string | undefined;
  readonly when: { readonly field: string; readonly is: string | number | boolean } | undefined;
}

export type TemplateEntry = TemplateLine | { readonly computed: string };

const LINE_MEMBERS = ['label', 'text', 'each', 'empty', 'absent', 'when'];
const LABEL_MAX = 80;
const LITERAL_MAX = 400;

export function literalText(text: string, where: string, max: number = LITERAL_MAX): string {
  if (text.length > max || hasHiddenCharacters(text)) {
    throw unrenderable(where, `at most ${max} visible characters`);
  }
  return text;
}

function optionalLiteral(record: ClosedRecord, name: string): string | undefined {
  const text = record.optionalText(name);
  return text === undefined ? undefined : literalText(text, `${record.where}/${name}`);
}

function parsePart(json: Json, where: string, places: Places): TextPart {
  if (typeof json === 'string') return { literal: literalText(json, where) };
  const record = new ClosedRecord(json, where, ['field', 'form']);
  const field = record.text('field');
  const schema = places.leaves.get(field);
  if (schema === undefined) throw unrenderable(where, 'a field of the schema');
  const name = record.optionalText('form') ?? 'plain';
  const form = VALUE_FORMS.find((known) => known === name);
  if (form === undefined) throw unrenderable(where, `a form: ${VALUE_FORMS.join(', ')}`);
  if ((form === 'document') !== (schema.kind === 'document')) {
    throw unrenderable(where, 'the form document for a json-document, and for nothing else');
  }
  return { field, form };
}

function parseWhen(record: ClosedRecord, places: Places): TemplateLine['when'] {
  if (!record.has('when')) return undefined;
  const where = `${record.where}/when`;
  const when = new ClosedRecord(record.get('when'), where, ['field', 'is']);
  const field = when.text('field');
  const is = when.get('is');
  if (!places.leaves.has(field)) throw unrenderable(where, 'a field of the schema');
  if (typeof is !== 'string' && typeof is !== 'number' && typeof is !== 'boolean') {
    throw unrenderable(where, 'is to be a text, an integer or a boolean');
  }
  return { field, is };
}

/** The fields that a line refers to. */
export function fieldsOf(line: TemplateLine): string[] {
  const fields = line.text.flatMap((part) => ('field' in part ? [part.field] : []));
  return line.when === undefined ? fields : [...fields, line.when.field];
}

/** A `*` can be filled in only by the line's own array. */
function checkItems(line: TemplateLine, where: string, places: Places): void {
  if (line.each !== undefined && (!places.arrays.has(line.each) || line.each.includes('*'))) {
    throw unrenderable(where, 'each to name an array of the schema that is in no other array');
  }
  if ((line.each === undefined) !== (line.empty === undefined)) {
    throw unrenderable(where, 'each and empty together: no items is a fact to show too');
  }
  for (const field of fieldsOf(line)) {
    const rest = line.each === undefined ? field : field.replace(`${line.each}/*`, '');
    if (rest.includes('*')) throw unrenderable(where, 'fields of the array named by each');
  }
}

function parseLine(json: Json, where: string, places: Places): TemplateLine {
  const record = new ClosedRecord(json, where, LINE_MEMBERS);
  const line: TemplateLine = {
    label: literalText(record.text('label'), where, LABEL_MAX),
    text: record.list('text').map((part) => parsePart(part, where, places)),
    each: record.optionalText('each'),
    empty: optionalLiteral(record, 'empty'),
    absent: optionalLiteral(record, 'absent'),
    when: parseWhen(record, places),
  };
  checkItems(line, where, places);
  const isWhole = line.text.some((part) => 'form' in part && part.form === 'document');
  if (line.text.length === 0 || (isWhole && line.text.length !== 1)) {
    throw unrenderable(where, 'some text, and a document alone on its line');
  }
  return line;
}

function isComputed(json: Json): json is JsonObject {
  return isJsonObject(json) && 'computed' in json;
}

export function parseEntry(json: Json, where: string, places: Places): TemplateEntry {
  if (!isComputed(json)) return parseLine(json, where, places);
  return { computed: new ClosedRecord(json, where, ['computed']).text('computed') };
}
