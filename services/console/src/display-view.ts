import type { Display, DisplayLine, DisplayMark } from '@countersign/descriptors';
import { exact, h, paragraph, section } from './element.ts';
import { worstCase } from './plain-words.ts';

const MARK_WORDS: Readonly<Record<DisplayMark, string>> = {
  warning: 'Warning',
  added: 'Added',
  removed: 'Removed',
  code: '',
};

/** Before everything else: what one signature can come to, where the single uses are shown to nobody. */
export function worstCaseView(display: Display): HTMLElement | undefined {
  const worst = worstCase(display);
  if (worst === undefined) return undefined;
  return section('At worst', { class: 'notice caution', id: 'worst' }, paragraph(exact(worst)));
}

/** Warnings first: they are part of what is signed. */
export function warningsView(display: Display): HTMLElement | undefined {
  if (display.warnings.length === 0) return undefined;
  return section(
    `Look closely (${display.warnings.length})`,
    { class: 'notice caution warnings' },
    h('ul', {}, ...display.warnings.map((warning) => h('li', {}, exact(warning)))),
  );
}

/** Only what may still be done is told of as if it would be. */
export function linesHeading(status: string): string {
  const isOpen = ['pending', 'bound', 'used-in-part'].includes(status);
  return isOpen ? 'What will be done' : 'What was asked for';
}

/** All lines, in full. Nothing is folded, shortened or put behind a click: attack rows B09, E05. */
export function linesView(display: Display, heading: HTMLElement): HTMLElement {
  heading.id = 'h-display';
  return h(
    'section',
    { class: 'card', id: 'display', 'aria-labelledby': 'h-display' },
    heading,
    h(
      'p',
      { class: 'small' },
      'A value like sha256:… is a fingerprint, which stands for exact bytes. You need not compare it by eye: it is compared before anything runs.',
    ),
    h('dl', { class: 'lines' }, ...display.lines.map(lineView)),
  );
}

export function notCoveredView(display: Display): HTMLElement {
  return section(
    'What your approval does not cover',
    { class: 'card' },
    h('ul', {}, ...display.not_covered.map((text) => h('li', {}, text))),
  );
}

/** The agent's word stands in a box of its own, and looks like nothing that was checked: attack rows E02, D16. */
export function claimsView(display: Display): HTMLElement {
  return section(
    'The agent says (not checked)',
    { class: 'card claims', id: 'claims' },
    paragraph(
      'Nobody has verified this, and it does not change what will be done. Nothing in here is a decision of a person.',
    ),
    display.claims.length === 0
      ? paragraph('The agent says nothing.')
      : h('dl', { class: 'lines' }, ...display.claims.map(lineView)),
  );
}

export function lineView(line: DisplayLine): HTMLElement {
  const { label, value, mark } = line;
  const tag = mark === undefined || mark === 'code' ? undefined : MARK_WORDS[mark];
  return h(
    'div',
    { class: mark === undefined ? 'row' : `row mark-${mark}` },
    h('dt', {}, label),
    h(
      'dd',
      {},
      tag === undefined ? undefined : h('span', { class: `tag ${mark ?? ''}` }, tag),
      exact(value),
    ),
  );
}
