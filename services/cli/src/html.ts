import { terminalLines } from './terminal-text.ts';

/** Text that may stand in a page as it is. Only `html` makes it, so nothing that others wrote is ever markup: attack row B10. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Html | undefined | readonly (Html | undefined)[];

/** A piece of a page: what is put in is escaped, unless it is a piece itself. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(texts.map((text, at) => text + textOf(parts[at])).join(''));
}

function textOf(part: Part): string {
  if (part === undefined) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(textOf).join('');
  return escaped(String(part));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What is not seen, or turns the reading order round, is written out, as on a terminal; on paper it would be gone. */
function escaped(text: string): string {
  return terminalLines(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
