import { isLookAlike } from './look-alike.ts';
import { isMixedScript } from './text-script.ts';
import { isMark, isWordCharacter } from './unicode-table.ts';

type Range = readonly [from: number, to: number];

/**
 * What a reader cannot see, or what moves or hides other text: controls, odd spaces, bidirectional
 * controls, zero-width and filler characters, variation selectors, tags, private use, noncharacters.
 * The two brackets are here because they mark our own notation. schemas/formats/descriptor-and-display.md §6.1.
 */
const HIDDEN: readonly Range[] = [
  [0x00, 0x1f],
  [0x7f, 0xa0],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x70f, 0x70f],
  [0x115f, 0x1160],
  [0x1680, 0x1680],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x2000, 0x200f],
  [0x2028, 0x202f],
  [0x205f, 0x206f],
  [0x27e8, 0x27e9],
  [0x2800, 0x2800],
  [0x3000, 0x3000],
  [0x3164, 0x3164],
  [0xe000, 0xf8ff],
  [0xfdd0, 0xfdef],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xffff],
  [0x13430, 0x1345f],
  [0x1bca0, 0x1bca3],
  [0x1d173, 0x1d17a],
  [0xe0000, 0x10ffff],
];

/** Marks that are drawn over the letter before; piled up, they cover the lines around. */
const COMBINING: readonly Range[] = [
  [0x300, 0x36f],
  [0x1ab0, 0x1aff],
  [0x1dc0, 0x1dff],
  [0x20d0, 0x20ff],
  [0xfe20, 0xfe2f],
];

/** No word needs more marks on one letter, in hardly any script; forty of them cover the lines around. */
const MARKS_MAX = 3;

const SPACE = 0x20;
const ASCII_MAX = 0x7f;

/** A longer run of spaces is written as its number: it would push the text behind it out of sight. */
const SPACES_MAX = 32;

const PLAIN_TEXT = /^[!-~]+(?: [!-~]+)*$/;
const VISIBLE_ASCII = /^[ -~]*$/;
const PLAIN_IDENTIFIER = /^[!-~]+$/;

export interface ShownText {
  readonly text: string;
  /** Some character is shown as its code point. */
  readonly isAltered: boolean;
}

function isIn(point: number, ranges: readonly Range[]): boolean {
  return ranges.some(([from, to]) => point >= from && point <= to);
}

function isHidden(point: number): boolean {
  return (point & 0xfffe) === 0xfffe || isIn(point, HIDDEN);
}

function codePoint(point: number): string {
  return `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** One character, given the one before it (or undefined at the edge of the text). */
function shownPoint(point: number, before: number | undefined): string {
  const isPiled =
    isIn(point, COMBINING) && (before === undefined || before === SPACE || isIn(before, COMBINING));
  return isHidden(point) || isPiled ? written(point) : String.fromCodePoint(point);
}

function written(point: number): string {
  return `⟨${codePoint(point)}⟩`;
}

/** Places of the marks that stand in a run of too many. */
function heapedMarks(points: readonly number[]): ReadonlySet<number> {
  const heaped = new Set<number>();
  let run = 0;
  for (let i = 0; i < points.length; i += 1) {
    run = isMark(points[i] ?? 0) ? run + 1 : 0;
    if (run <= MARKS_MAX) continue;
    for (let at = i - MARKS_MAX; at <= i; at += 1) heaped.add(at);
  }
  return heaped;
}

function shownSpaces(count: number, isEdge: boolean): string {
  if (count > SPACES_MAX) return `⟨U+0020 ×${count}⟩`;
  return isEdge ? '⟨U+0020⟩'.repeat(count) : ' '.repeat(count);
}

interface Edges {
  /** Whether spaces at the start stay as they are (indentation, or a text in quotes). */
  readonly leadingSpaces: boolean;
}

function neutralised(text: string, edges: Edges): ShownText {
  if (PLAIN_TEXT.test(text)) return { text, isAltered: false };
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const heaped = heapedMarks(points);
  let shown = '';
  let spaces = 0;
  for (let i = 0; i <= points.length; i += 1) {
    const point = points[i];
    if (point === SPACE) {
      spaces += 1;
      continue;
    }
    const isLeading = i === spaces;
    const isEdge = point === undefined || (isLeading && !edges.leadingSpaces);
    shown += shownSpaces(spaces, isEdge);
    spaces = 0;
    if (point !== undefined) {
      shown += heaped.has(i) ? written(point) : shownPoint(point, points[i - 1]);
    }
  }
  return { text: shown, isAltered: shown !== text };
}

/** A value on one line. What cannot be seen is written as ⟨U+XXXX⟩, and so is each ⟨ of the text itself. */
export function shownPlain(text: string): ShownText {
  if (text === '') return { text: '⟨empty⟩', isAltered: false };
  return neutralised(text, { leadingSpaces: false });
}

/** One line of a longer text: its indentation stays. */
export function shownTextLine(text: string): ShownText {
  return neutralised(text, { leadingSpaces: true });
}

/** As a JSON string, so that it shows where the value starts, where it ends, and each line break. */
export function shownQuoted(text: string): ShownText {
  const shown = neutralised(JSON.stringify(text), { leadingSpaces: true });
  if (PLAIN_TEXT.test(text)) return shown;
  const hasControls = Array.from(text).some(
    (character) => isHidden(character.codePointAt(0) ?? 0) && !'\n\t'.includes(character),
  );
  return { text: shown.text, isAltered: shown.isAltered || hasControls };
}

export function hasHiddenCharacters(text: string): boolean {
  if (VISIBLE_ASCII.test(text)) return false;
  for (const character of text) {
    if (isHidden(character.codePointAt(0) ?? 0)) return true;
  }
  return false;
}

/**
 * Whether two identifiers that look the same are the same: nothing hidden, no space, no sign outside ASCII, no mark that
 * could also be part of its letter, no heap of marks, one script.
 */
export function isSafeIdentifier(text: string): boolean {
  if (PLAIN_IDENTIFIER.test(text)) return true;
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  return points.every(isOfIdentifier) && heapedMarks(points).size === 0 && !isMixedScript(text);
}

function isOfIdentifier(point: number): boolean {
  if (point === SPACE || isHidden(point) || isIn(point, COMBINING)) return false;
  return point <= ASCII_MAX || (isWordCharacter(point) && !isLookAlike(point));
}
