/** Where a member's value, or an element, stands in the text of its container. */
export interface Span {
  /** `undefined` for an element of an array. */
  readonly name: string | undefined;
  readonly start: number;
  readonly end: number;
}

const OPENING = new Set(['{', '[']);
const CLOSING = new Set(['}', ']']);

/**
 * The members or elements of one container as they are written, also a name that stands there twice: no parser tells of that,
 * and two parsers take different ones.
 *
 * @param text valid JSON
 * @param at at or before the opening bracket, with nothing but white space between
 */
export function spansAt(text: string, at: number): readonly Span[] {
  const spans: Span[] = [];
  let i = afterSpace(text, at);
  const isObject = text[i] === '{';
  i = afterSpace(text, i + 1);
  while (!CLOSING.has(text[i] ?? '}')) {
    let name: string | undefined;
    if (isObject) {
      const end = afterString(text, i);
      name = JSON.parse(text.slice(i, end)) as string;
      const colon = afterSpace(text, end);
      i = afterSpace(text, colon + 1);
    }
    const end = afterValue(text, i);
    spans.push({ name, start: i, end });
    i = afterSpace(text, end);
    if (text[i] === ',') i = afterSpace(text, i + 1);
  }
  return spans;
}

function afterSpace(text: string, at: number): number {
  let i = at;
  while (i < text.length && text.charCodeAt(i) <= 0x20) i += 1;
  return i;
}

function afterString(text: string, at: number): number {
  let i = at + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i + 1;
}

function afterValue(text: string, at: number): number {
  const first = text[at] ?? '';
  if (first === '"') return afterString(text, at);
  if (OPENING.has(first)) return afterContainer(text, at);
  let i = at;
  while (i < text.length && text.charCodeAt(i) > 0x20 && !',]}'.includes(text[i] ?? ',')) i += 1;
  return i;
}

function afterContainer(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i += 1) {
    const unit = text[i] ?? '';
    if (unit === '"') i = afterString(text, i) - 1;
    else if (OPENING.has(unit)) depth += 1;
    else if (CLOSING.has(unit)) depth -= 1;
    if (depth === 0) return i + 1;
  }
  return text.length;
}
