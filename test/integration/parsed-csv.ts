/** Reads CSV as RFC 4180 writes it: every cell quoted, lines ended by CR and LF. */
export function parsedCsv(text: string): readonly Readonly<Record<string, string>>[] {
  const lines: string[][] = [];
  const cell = /"((?:[^"]|"")*)"(,|\r\n)/y;
  let line: string[] = [];
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex;
    const [, value = '', end] = cell.exec(text) ?? [];
    if (end === undefined) throw new Error(`expected a quoted cell at ${at}`);
    line.push(value.replaceAll('""', '"'));
    if (end === ',') continue;
    lines.push(line);
    line = [];
  }
  const [names = [], ...rows] = lines;
  return rows.map((row) => {
    if (row.length !== names.length) throw new Error(`expected ${names.length} cells`);
    return Object.fromEntries(names.map((name, position) => [name, row[position] ?? '']));
  });
}
