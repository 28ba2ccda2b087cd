import { lineView } from './display-view.ts';
import { h, paragraph, section } from './element.ts';
import type { PolicyChange } from './policy-change.ts';
import { utcTime } from './time-words.ts';

/** Beside what is signed for, which is the new policy as a whole. */
export function policyChangeView({ index, at, lines }: PolicyChange): HTMLElement {
  return section(
    'What changes against the policy in force',
    { class: 'card', id: 'policy-change' },
    h(
      'p',
      { class: 'small' },
      `This page has compared the new policy with the one that was set by entry ${index} at ${utcTime(at)}. That none was set since, the ledger says. What you sign for is the whole new policy.`,
    ),
    lines.length === 0
      ? paragraph('Nothing: it is the same policy.')
      : h('dl', { class: 'lines' }, ...lines.map(lineView)),
  );
}
