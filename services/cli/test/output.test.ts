import { describe, expect, it } from 'vitest';
import { Output } from '../src/output.ts';

function written(isTty: boolean, line: string): string {
  let text = '';
  const size = (): { columns: number; rows: number } => ({ columns: 40, rows: 24 });
  const sink = { isTty, size, write: (more: string) => void (text += more) };
  new Output(sink).rows(line);
  return text;
}

describe('rows of what others wrote in part', () => {
  it('B10: begin on a terminal with nothing that they wrote, however they fill up a row', () => {
    const forged = `    Purpose: harmless${' '.repeat(18)}2KQSKA9F  all checked`;
    expect(written(true, forged)).toBe(
      '    Purpose: harmless                  \n      | 2KQSKA9F  all checked\n',
    );
  });

  it('stay one line each for a file or a program', () => {
    expect(written(false, 'x'.repeat(100))).toBe(`${'x'.repeat(100)}\n`);
  });
});
