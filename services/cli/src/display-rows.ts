import { terminalText } from './terminal-text.ts';

/** What begins a row that goes on with the text of the row above: nothing that others wrote ever stands there. */
const CONTINUED = '      | ';

/**
 * One line of text as rows of a terminal of this width. A terminal that wraps by itself begins the next row with
 * whatever comes next, and an agent could make that look like a line of ours.
 */
export function rowsOf(text: string, columns: number): string[] {
  const rows: string[] = [];
  let row = '';
  let width = 0;
  for (const character of terminalText(text)) {
    const own = widthOf(character);
    if (width + own > columns) {
      rows.push(row);
      row = CONTINUED;
      width = CONTINUED.length;
    }
    row += character;
    width += own;
  }
  return [...rows, row];
}

/** Never less than what a terminal takes: the tables of width differ from one to the other. */
function widthOf(character: string): number {
  return character >= ' ' && character <= '~' ? 1 : 2;
}
