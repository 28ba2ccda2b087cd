import { canonicalText, isJsonArray, isJsonObject, type Json } from '@countersign/canonical';
import type { Computed } from './computation.ts';
import type { DisplayLine, DisplayMark } from './display.ts';
import { hasLookAlikes } from './look-alike.ts';
import { isMixedScript } from './text-script.ts';
import { shownTextLine, type ShownText } from './text-safety.ts';

/** These are lines of the display, so they are inside what is signed (B06, B07). */
export function textWarnings(label: string, text: string, shown: ShownText): string[] {
  const warnings: string[] = [];
  if (shown.isAltered) {
    warnings.push(`${label}: holds characters that cannot be seen as such, shown as ⟨U+…⟩`);
  }
  if (isMixedScript(text)) {
    warnings.push(`${label}: mixes letters of several scripts, so it may read as something else`);
  }
  if (hasLookAlikes(text)) {
    warnings.push(
      `${label}: holds signs that only look like those of ASCII, so it may read as something else`,
    );
  }
  return warnings;
}

export interface TextLine {
  readonly text: string;
  readonly mark?: DisplayMark;
}

/** Every line of a text, numbered from 1; the empty ones too, and nothing folded. */
export function numberedLines(label: string, texts: readonly TextLine[]): Computed {
  const lines: DisplayLine[] = [];
  const warnings: string[] = [];
  for (const [index, { text, mark }] of texts.entries()) {
    const lineLabel = `${label} ${index + 1}`;
    const shown = shownTextLine(text);
    lines.push({ label: lineLabel, value: shown.text, mark: mark ?? 'code' });
    warnings.push(...textWarnings(lineLabel, text, shown));
  }
  return { lines, warnings };
}

function printed(value: Json, indent: string): string {
  const inner = `${indent}  `;
  if (isJsonArray(value) && value.length > 0) {
    const items = value.map((item) => `${inner}${printed(item, inner)}`);
    return `[\n${items.join(',\n')}\n${indent}]`;
  }
  if (isJsonObject(value) && Object.keys(value).length > 0) {
    const members = Object.keys(value)
      .sort()
      .map((name) => `${inner}${canonicalText(name)}: ${printed(value[name] ?? null, inner)}`);
    return `{\n${members.join(',\n')}\n${indent}}`;
  }
  // Beyond our profile of JSON, a number is one of an exact text: exact-json.ts.
  return typeof value === 'number' ? String(value) : canonicalText(value);
}

/** A whole JSON document: one member or item a line, indented, members in canonical order. */
export function documentLines(label: string, document: Json): Computed {
  return numberedLines(
    label,
    printed(document, '')
      .split('\n')
      .map((text) => ({ text })),
  );
}
