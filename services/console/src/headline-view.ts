import type { Display } from '@countersign/descriptors';
import { exact, h } from './element.ts';
import { headlineOf } from './headline.ts';

/** Inline elements only, so that it can stand in a link. */
export function headlineView(display: Display): HTMLElement {
  return h(
    'span',
    { class: 'headline' },
    ...headlineOf(display).map(({ text, more }) =>
      h(
        'span',
        { class: 'headline-part' },
        exact(text),
        more === 0 ? undefined : h('span', { class: 'small' }, ` … and ${more} more characters`),
      ),
    ),
  );
}
