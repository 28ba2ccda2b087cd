import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../../', import.meta.url);

const IDS = [
  'A01 A02 A04 A05 A06 A07 A08 A09 A10 A12 A13 A14 A16',
  'B01 B02 B03 B05 B06 B07 B09 B10 B11 B12 B14',
  'C01 C02 C03 C04 C06 C07 C08 C10 C11 C13 C14 C15 C16 C17 C18',
  'D01 D02 D03 D04 D06 D07 D08 D10 D11 D12 D13 D14 D15 D16 D17',
  'E01 E02 E03 E04 E05 E09',
  'F02 F04 F07 F08 F11 F09 F06 F01 F03 F10',
  'G01 G02 G03 G05 G06 G07 G08 G11 G12 G13 G14 G15 G16 G17 G10',
  'H01 H02 H04 H06 H07 H08 H09',
].flatMap((group) => group.split(' '));

interface Row {
  readonly id: string;
  readonly file: string;
  readonly title: string;
}

async function text(path: string): Promise<string> {
  return readFile(new URL(path, ROOT), 'utf8');
}

async function rows(): Promise<Row[]> {
  const lines = (await text('docs/attacks.md')).split('\n');
  return lines.flatMap((line) => {
    const found = /^\| ([A-H]\d\d) +\|.*\| `([^`]+\.ts)`: (.*?) +\|$/.exec(line);
    const [, id, file, title] = found ?? [];
    return id === undefined || file === undefined || title === undefined
      ? []
      : [{ id, file, title }];
  });
}

/** As a literal of a test, or the head of one. */
function isTitleIn(source: string, title: string): boolean {
  return [`'${title}'`, `"${title}"`, `\`${title}\``].some((literal) => source.includes(literal));
}

describe('the table of attacks', () => {
  it('has each attack, each with a test that names it, in a file that is there', async () => {
    const table = await rows();
    expect(table.length).toBeGreaterThan(IDS.length);
    expect([...new Set(table.map(({ id }) => id))]).toEqual(IDS);
    for (const { id, file, title } of table) {
      expect(title).toContain(id);
      expect([file, title, isTitleIn(await text(file), title)]).toEqual([file, title, true]);
    }
  });

  it('leaves no line of the table unread', async () => {
    const lines = (await text('docs/attacks.md'))
      .split('\n')
      .filter((line) => /^\| [A-H]\d/.test(line));
    expect(lines).toHaveLength((await rows()).length);
  });
});
