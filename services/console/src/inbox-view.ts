import { getJson } from './api.ts';
import { exact, h, paragraph } from './element.ts';
import { parseInbox, type OpenRequest } from './inbox.ts';
import { failureNotice, isTellable } from './notice.ts';
import { timeLeft } from './time-words.ts';
import { announce, show, type SignedInVisit } from './visit.ts';

const REFRESH_MS = 4_000;

/** Shows the open requests for as long as the page is open. Never returns, but by an error. */
export async function showInbox(visit: SignedInVisit): Promise<void> {
  const list = new RequestList();
  const failure = h('div');
  show(visit.main, 'Open requests', h('h1', {}, 'Open requests'), failure, list.element);
  for (;;) {
    try {
      if (document.visibilityState === 'visible')
        list.update(parseInbox(await getJson('/v1/inbox')));
      failure.replaceChildren();
    } catch (error) {
      if (!isTellable(error) || error.code !== 'SERVER_UNREACHABLE') throw error;
      if (failure.childElementCount === 0) {
        failure.append(failureNotice(error, 'This list may be out of date'));
      }
    }
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
}

interface Item {
  readonly element: HTMLElement;
  readonly left: HTMLElement;
}

/** Keeps the elements of requests that stay, so that nobody loses their place when the list changes. */
class RequestList {
  readonly element: HTMLElement = h('div', { class: 'inbox' });
  readonly #list = h('ul', { class: 'requests' });
  readonly #empty = emptyState();
  #items: ReadonlyMap<string, Item> | undefined;

  update(requests: readonly OpenRequest[]): void {
    const before = this.#items;
    const items = new Map(
      requests.map((request) => [
        request.actionId,
        before?.get(request.actionId) ?? itemOf(request),
      ]),
    );
    const nowMs = Date.now();
    for (const { actionId, decideBy } of requests) {
      const left = items.get(actionId)?.left;
      const words = timeLeft(Date.parse(decideBy), nowMs);
      if (left !== undefined && left.textContent !== words) left.textContent = words;
    }
    const isSame = before !== undefined && [...before.keys()].join() === [...items.keys()].join();
    if (isSame) return;
    this.#items = items;
    this.#list.replaceChildren(...[...items.values()].map(({ element }) => element));
    this.element.replaceChildren(items.size === 0 ? this.#empty : this.#list);
    announce(words(items.size));
  }
}

function words(count: number): string {
  if (count === 0) return 'Nothing waits for a decision.';
  return `${count} ${count === 1 ? 'request waits' : 'requests wait'} for a decision.`;
}

function itemOf(request: OpenRequest): Item {
  const left = h('span', { class: 'left' });
  const element = h(
    'li',
    {},
    h(
      'a',
      { class: 'request', href: `/action/${request.actionId}` },
      h('strong', {}, request.title),
      h('span', { class: 'request-facts' }, 'asked by ', exact(request.agent)),
      left,
      h('span', { class: 'small' }, exact(request.actionId)),
    ),
  );
  return { element, left };
}

function emptyState(): HTMLElement {
  return h(
    'div',
    { class: 'card empty' },
    h('h2', {}, 'Nothing waits for you'),
    paragraph(
      'When an agent wants to do something that needs a person, it appears here by itself. You will see exactly what it would do, and decide.',
    ),
    h('h3', {}, 'Try it now'),
    paragraph('In a terminal, where the ledger runs, ask for a harmless command:'),
    h(
      'p',
      {},
      h('code', { class: 'command', translate: 'no' }, './countersign exec -- echo hello'),
    ),
    paragraph(
      'It waits there until you have decided here, and then runs, or does not. Both are in the log afterwards.',
    ),
  );
}
