/** Control characters of both sets, what turns the reading order round, and what nobody sees: they could repaint what stands above. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const UNSAFE_BUT_LINE_ENDS = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Text of others, safe to show in a terminal: one line, with every character that is not to be seen written out. */
export function terminalText(text: string): string {
  return text.replace(UNSAFE, writtenOut);
}

/** As terminalText, for text whose lines are our own. */
export function terminalLines(text: string): string {
  return text.replace(UNSAFE_BUT_LINE_ENDS, writtenOut);
}

function writtenOut(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  return String.raw`\u{${point.toString(16)}}`;
}

/** JSON that means the same, and is safe in a terminal: what may stand raw in a text of JSON is escaped there. */
export function terminalJson(json: string): string {
  return json.replace(UNSAFE_BUT_LINE_ENDS, (character) =>
    [...Array(character.length).keys()]
      .map((at) => String.raw`\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
