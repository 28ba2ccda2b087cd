/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

export type Child = Node | string | undefined;

type Attributes = Readonly<Record<string, string | boolean | undefined>>;

/** Attributes that could run something, or load something from elsewhere, have no business in this page. */
const NAME = /^(?!on|style$|src)[a-z-]+$/;
const OWN_ADDRESS = /^(\/(?!\/)|#)/;

/**
 * Makes an element. Text always becomes text nodes: nothing that comes from outside is ever read as markup
 * (attack row B10).
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (!NAME.test(name)) throw new Error(`expected an attribute that does nothing, got ${name}`);
    if (value === undefined || value === false) continue;
    if (name === 'href' && !OWN_ADDRESS.test(String(value))) {
      throw new Error('expected a link to this site');
    }
    element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** A value exactly as it is: one typeface for each letter, nothing translated, nothing cut. */
export function exact(text: string): HTMLElement {
  return h('span', { class: 'exact', translate: 'no', dir: 'ltr' }, text);
}

export function paragraph(...children: readonly Child[]): HTMLElement {
  return h('p', {}, ...children);
}

/** A row of a definition list. */
export function row(label: string, value: Child): HTMLElement {
  return h('div', { class: 'row' }, h('dt', {}, label), h('dd', {}, value));
}

/** Where people go on from here. */
export function openRequestsLink(): HTMLElement {
  return h('p', {}, h('a', { class: 'way', href: '/' }, 'All open requests'));
}

/** A part of the page with its own heading. */
export function section(
  heading: string,
  attributes: Attributes,
  ...children: readonly Child[]
): HTMLElement {
  const id = `h-${heading.toLowerCase().replace(/[^a-z]+/g, '-')}`;
  return h(
    'section',
    { ...attributes, 'aria-labelledby': id },
    h('h2', { id }, heading),
    ...children,
  );
}

/** Only a person's own press counts: attack row E11. */
export function onPress(button: HTMLButtonElement, act: () => void): void {
  button.addEventListener('click', (event) => {
    if (event.isTrusted && navigator.userActivation.isActive) act();
  });
}
