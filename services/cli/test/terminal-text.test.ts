import { describe, expect, it } from 'vitest';
import { CliError } from '../src/cli-error.ts';
import { Narrator } from '../src/narrator.ts';
import { terminalText } from '../src/terminal-text.ts';

describe('text of others on a terminal', () => {
  it('cannot move the cursor, hide, or turn the reading order round', () => {
    expect(terminalText('ok\u001B[2Jbad')).toBe('ok\\u{1b}[2Jbad');
    expect(terminalText('\u009B31m')).toBe('\\u{9b}31m');
    expect(terminalText('a\rb\nc')).toBe('a\\u{d}b\\u{a}c');
    expect(terminalText('\u202Egnp.exe\u200B')).toBe('\\u{202e}gnp.exe\\u{200b}');
    expect(terminalText('Größe 大小 — fine')).toBe('Größe 大小 — fine');
  });

  it('is made safe in what a ledger answers', () => {
    let said = '';
    const sink = {
      isTty: true,
      write: (text: string) => {
        said += text;
      },
    };
    new Narrator(sink, false).fail(new CliError('EXPIRED', 'gone\u001B]0;title\u0007'));
    expect(said).toBe('countersign: EXPIRED: gone\\u{1b}]0;title\\u{7}\n');
  });
});
