import { describe, expect, it } from 'vitest';
import { CliError } from '../src/cli-error.ts';
import { Narrator } from '../src/narrator.ts';
import { Output } from '../src/output.ts';
import { terminalText } from '../src/terminal-text.ts';

describe('text of others on a terminal', () => {
  it('cannot move the cursor, hide, or turn the reading order round', () => {
    expect(terminalText('ok\u001B[2Jbad')).toBe('ok\\u{1b}[2Jbad');
    expect(terminalText('\u009B31m')).toBe('\\u{9b}31m');
    expect(terminalText('a\rb\nc')).toBe('a\\u{d}b\\u{a}c');
    expect(terminalText('\u202Egnp.exe\u200B')).toBe('\\u{202e}gnp.exe\\u{200b}');
    // Seen by nobody: fillers, a joiner, a selector of variants.
    expect(terminalText('a\u115F\u3164\u034F\uFE0Fb')).toBe(
      String.raw`a\u{115f}\u{3164}\u{34f}\u{fe0f}b`,
    );
    expect(terminalText('Größe 大小 — fine')).toBe('Größe 大小 — fine');
  });

  it('is made safe in what a ledger answers', () => {
    const { output, said } = recorded(true);
    new Narrator(output, false).fail(new CliError('EXPIRED', 'gone\u001B]0;title\u0007'));
    expect(said()).toBe('countersign: EXPIRED: gone\\u{1b}]0;title\\u{7}\n');
  });
});

function recorded(isTty: boolean): { output: Output; said: () => string } {
  let said = '';
  const write = (text: string): void => {
    said += text;
  };
  return { output: new Output({ isTty, write }), said: () => said };
}

const HOSTILE = 'a\u001B[2J\u009B31m\u001B]0;t\u0007\u202E\u2066\u200B\r\u{E0001}z';
const UNSAFE = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

describe('every way to a terminal', () => {
  it('B10: shows text of others without a character that acts', () => {
    const { output, said } = recorded(true);
    output.lines(HOSTILE, `${HOSTILE}\nforged`);
    output.text(`${HOSTILE}\n`);
    new Narrator(output, false).say(HOSTILE, [HOSTILE, HOSTILE], { HOSTILE });
    new Narrator(output, false).fail(new CliError('EXPIRED', HOSTILE), `${HOSTILE}\nforged`);
    expect(said()).not.toMatch(UNSAFE);
    expect(said()).not.toMatch(/^forged/m);
  });

  it('never begins a line of our own for an error that nobody foresaw', () => {
    const { output, said } = recorded(true);
    const stack = 'Error: x\ncountersign: approved\n    at read (file.ts:1:1)';
    new Narrator(output, false).fail(new CliError('INTERNAL', stack));
    expect(said()).toBe(
      'countersign: INTERNAL: Error: x\n  countersign: approved\n      at read (file.ts:1:1)\n',
    );
  });

  it('keeps JSON what it was', () => {
    const { output, said } = recorded(true);
    new Narrator(output, true).say('ended', 'words', { of: HOSTILE });
    expect(said()).not.toMatch(UNSAFE);
    expect(JSON.parse(said())).toEqual({ event: 'ended', of: HOSTILE });
  });

  it('writes a line anew by nothing but its own sequence', () => {
    const { output, said } = recorded(true);
    output.replaceLine(HOSTILE);
    expect(said().replace('\r\u001B[2K', '')).not.toMatch(UNSAFE);
  });

  it('leaves a document as it is for a file, and makes it safe for a terminal', () => {
    const json = JSON.stringify({ of: '\u009B31m\u202E' });
    const [file, terminal] = [recorded(false), recorded(true)];
    file.output.document(json);
    terminal.output.document(json);
    expect(file.said()).toBe(json);
    expect(terminal.said()).not.toMatch(UNSAFE);
    expect(JSON.parse(terminal.said())).toEqual(JSON.parse(json));
  });
});
