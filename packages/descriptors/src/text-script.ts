/**
 * A table of our own, not the engine's \p{Script}: that one grows with each Unicode version, and a
 * display must be the same bytes ten years later. schemas/formats/descriptor-and-display.md §6.2.
 */
type Script =
  | 'latin'
  | 'greek'
  | 'cyrillic'
  | 'armenian'
  | 'hebrew'
  | 'arabic'
  | 'devanagari'
  | 'thai'
  | 'georgian'
  | 'cherokee'
  | 'east-asian'
  | 'letter-like'
  | 'common';

const SCRIPTS: readonly (readonly [from: number, to: number, script: Script])[] = [
  [0x41, 0x5a, 'latin'],
  [0x61, 0x7a, 'latin'],
  [0x00, 0xa9, 'common'],
  [0xaa, 0xaa, 'latin'],
  [0xab, 0xb9, 'common'],
  [0xba, 0xba, 'latin'],
  [0xbb, 0xbf, 'common'],
  [0xd7, 0xd7, 'common'],
  [0xf7, 0xf7, 'common'],
  [0xc0, 0x2af, 'latin'],
  [0x2b0, 0x36f, 'common'],
  [0x370, 0x3ff, 'greek'],
  [0x400, 0x52f, 'cyrillic'],
  [0x530, 0x58f, 'armenian'],
  [0x590, 0x5ff, 'hebrew'],
  [0x600, 0x6ff, 'arabic'],
  [0x750, 0x77f, 'arabic'],
  [0x870, 0x8ff, 'arabic'],
  [0x900, 0x97f, 'devanagari'],
  [0xe00, 0xe7f, 'thai'],
  [0x10a0, 0x10ff, 'georgian'],
  [0x1100, 0x11ff, 'east-asian'],
  [0x13a0, 0x13ff, 'cherokee'],
  [0x1ab0, 0x1aff, 'common'],
  [0x1c80, 0x1c8f, 'cyrillic'],
  [0x1c90, 0x1cbf, 'georgian'],
  [0x1d00, 0x1dbf, 'letter-like'],
  [0x1dc0, 0x1dff, 'common'],
  [0x1e00, 0x1eff, 'latin'],
  [0x1f00, 0x1fff, 'greek'],
  [0x2000, 0x20ff, 'common'],
  [0x2100, 0x218f, 'letter-like'],
  [0x2460, 0x24ff, 'letter-like'],
  [0x2190, 0x2bff, 'common'],
  [0x2c60, 0x2c7f, 'latin'],
  [0x2d00, 0x2d2f, 'georgian'],
  [0x2de0, 0x2dff, 'cyrillic'],
  [0x2e00, 0x2e7f, 'common'],
  [0x2e80, 0x2fff, 'east-asian'],
  [0x3000, 0x303f, 'common'],
  [0x3040, 0x9fff, 'east-asian'],
  [0xa640, 0xa69f, 'cyrillic'],
  [0xa720, 0xa7ff, 'latin'],
  [0xa960, 0xa97f, 'east-asian'],
  [0xab30, 0xab6f, 'latin'],
  [0xab70, 0xabbf, 'cherokee'],
  [0xac00, 0xd7ff, 'east-asian'],
  [0xf900, 0xfaff, 'east-asian'],
  [0xfb00, 0xfb06, 'letter-like'],
  [0xfb13, 0xfb17, 'armenian'],
  [0xfb1d, 0xfb4f, 'hebrew'],
  [0xfb50, 0xfdff, 'arabic'],
  [0xfe10, 0xfe6f, 'common'],
  [0xfe70, 0xfefe, 'arabic'],
  [0xff10, 0xff19, 'letter-like'],
  [0xff21, 0xff3a, 'letter-like'],
  [0xff41, 0xff5a, 'letter-like'],
  [0xff66, 0xffdc, 'east-asian'],
  [0xff00, 0xffef, 'common'],
  [0x1d400, 0x1d7ff, 'letter-like'],
  [0x1f100, 0x1f1ff, 'letter-like'],
  [0x1f000, 0x1faff, 'common'],
  [0x20000, 0x3ffff, 'east-asian'],
];

/** Latin letters, and what is common to all scripts. */
const ASCII = /^[ -~]*$/;

/** The first row that holds the code point decides, so a narrow row stands before a wide one. */
function scriptOf(point: number): Script | 'other' {
  for (const [from, to, script] of SCRIPTS) {
    if (point >= from && point <= to) return script;
  }
  return 'other';
}

/**
 * Whether a text joins letters of several scripts, or uses letters that only look like plain ones
 * (full-width, mathematical, enclosed): both are how one name is made to read as another.
 */
export function isMixedScript(text: string): boolean {
  if (ASCII.test(text)) return false;
  const scripts = new Set<string>();
  for (const character of text) {
    const script = scriptOf(character.codePointAt(0) ?? 0);
    if (script === 'letter-like') return true;
    if (script !== 'common') scripts.add(script);
  }
  return scripts.size > 1;
}
