/** Control characters of both sets, and what turns the reading order round: they could repaint what stands above. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text of others, safe to show in a terminal: one line, with every character that is not to be seen written out. */
export function terminalText(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const point = character.codePointAt(0) ?? 0;
    return String.raw`\u{${point.toString(16)}}`;
  });
}
