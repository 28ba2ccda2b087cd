import { getJson } from './api.ts';
import { h, paragraph } from './element.ts';
import { parseInbox, type Inbox } from './inbox.ts';
import { failureNotice, isTellable } from './notice.ts';
import { RequestRow } from './request-row.ts';
import { announce, entitle, show, type SignedInVisit } from './visit.ts';

const REFRESH_MS = 4_000;
const ROWS_MAX = 200;
const CHECKS_AT_ONCE = 4;

/** Shows the open requests for as long as the page is open. Never returns, but by an error. */
export async function showInbox(visit: SignedInVisit): Promise<void> {
  const list = new RequestList();
  const failure = h('div');
  show(visit.main, 'Open requests', h('h1', {}, 'Open requests'), failure, list.element);
  for (;;) {
    try {
      if (document.visibilityState === 'visible') {
        list.update(parseInbox(await getJson(`/v1/inbox?limit=${ROWS_MAX}`)));
        await list.check(visit);
      }
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

/** Keeps the elements of requests that stay, so that nobody loses their place when the list changes. */
class RequestList {
  readonly element: HTMLElement = h('div', { class: 'inbox' });
  readonly #count = paragraph();
  readonly #list = h('ul', { class: 'requests' });
  readonly #empty = emptyState();
  #rows: ReadonlyMap<string, RequestRow> | undefined;

  update({ requests, isCut }: Inbox): void {
    const before = this.#rows;
    const rows = new Map(
      requests.map((request) => [
        request.actionId,
        before?.get(request.actionId) ?? new RequestRow(request),
      ]),
    );
    const nowMs = Date.now();
    for (const row of rows.values()) row.tick(nowMs);
    const isSame = before !== undefined && [...before.keys()].join() === [...rows.keys()].join();
    this.#rows = rows;
    if (isSame) return;
    const words = countWords(rows.size, isCut);
    this.#count.textContent = words;
    this.#list.replaceChildren(...[...rows.values()].map(({ element }) => element));
    this.element.replaceChildren(...(rows.size === 0 ? [this.#empty] : [this.#count, this.#list]));
    entitle(rows.size === 0 ? 'Open requests' : `(${rows.size}) Open requests`);
    announce(words);
  }

  /** Has each new row compute what it asks for, a few at a time. */
  async check(visit: SignedInVisit): Promise<void> {
    const waiting = [...(this.#rows?.values() ?? [])].filter(({ isChecked }) => !isChecked);
    const worker = async (): Promise<void> => {
      for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
        await row.check(visit);
      }
    };
    await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, worker));
  }
}

function countWords(count: number, isCut: boolean): string {
  if (count === 0) return 'Nothing waits for a decision.';
  if (isCut) return `More than ${count} requests wait. These are the ${count} newest.`;
  return `${count} ${count === 1 ? 'request waits' : 'requests wait'} for a decision.`;
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
