import { getJson } from './api.ts';
import { exact, h, paragraph } from './element.ts';
import { oddFirst, ranked, type Crowd } from './crowd.ts';
import { readInbox, type Inbox, type OpenRequest } from './inbox.ts';
import { failureNotice, isTellable } from './notice.ts';
import { RequestRow } from './request-row.ts';
import { statusNotices } from './status-view.ts';
import { announce, entitle, show, type Visit } from './visit.ts';

const REFRESH_MS = 4_000;
const CHECKS_AT_ONCE = 4;

/** Shows the open requests for as long as the page is open. Never returns, but by an error. */
export async function showInbox(visit: Visit): Promise<void> {
  const list = new RequestList();
  const failure = h('div');
  const status = h('div');
  show(visit.main, 'Open requests', h('h1', {}, 'Open requests'), status, failure, list.element);
  for (;;) {
    try {
      if (document.visibilityState === 'visible') {
        status.replaceChildren(...(await statusNotices()));
        list.update(await readInbox(getJson));
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
  readonly #empty = emptyState();
  #rows: ReadonlyMap<string, RequestRow> = new Map();
  #requests: readonly OpenRequest[] = [];
  #said: string | undefined;
  #order: string | undefined;

  update({ requests, isCut }: Inbox): void {
    const before = this.#rows;
    this.#rows = new Map(
      requests.map((request) => [
        request.actionId,
        before.get(request.actionId) ?? new RequestRow(request),
      ]),
    );
    this.#requests = requests;
    const nowMs = Date.now();
    for (const row of this.#rows.values()) row.tick(nowMs);
    this.#tell(countWords(requests.length, isCut));
    this.#arrange();
  }

  /** Has each new row compute what it asks for, a few at a time; then it can be told what is unlike the others. */
  async check(visit: Visit): Promise<void> {
    const waiting = [...this.#rows.values()].filter(({ isChecked }) => !isChecked);
    const worker = async (): Promise<void> => {
      for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
        await row.check(visit);
      }
    };
    await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, worker));
    this.#arrange();
  }

  #tell(words: string): void {
    const ids = [...this.#rows.keys()].sort().join();
    if (this.#said === ids) return;
    this.#said = ids;
    this.#count.textContent = words;
    const { size } = this.#rows;
    entitle(size === 0 ? 'Open requests' : `(${size}) Open requests`);
    announce(words);
  }

  #arrange(): void {
    const { alone, crowds } = ranked(this.#requests);
    const lists = [alone, ...crowds.map(({ requests }) => requests)].map((requests) =>
      oddFirst(this.#rowsOf(requests), requests === alone ? () => '' : ({ likeness }) => likeness),
    );
    const order = JSON.stringify(lists.map((rows) => rows.map(({ actionId }) => actionId)));
    if (this.#order === order) return;
    this.#order = order;
    const [first = [], ...others] = lists;
    this.element.replaceChildren(
      ...(this.#rows.size === 0 ? [this.#empty] : [this.#count]),
      ...(first.length === 0 ? [] : [listOf(first)]),
      ...crowds.flatMap((crowd, at) => crowdView(crowd, others[at] ?? [])),
    );
  }

  #rowsOf(requests: readonly OpenRequest[]): readonly RequestRow[] {
    return requests.flatMap(({ actionId }) => this.#rows.get(actionId) ?? []);
  }
}

function listOf(rows: readonly RequestRow[]): HTMLElement {
  return h('ul', { class: 'requests' }, ...rows.map(({ element }) => element));
}

function crowdView({ agent, title }: Crowd, rows: readonly RequestRow[]): readonly HTMLElement[] {
  return [
    h('h2', {}, `${rows.length} requests of one kind`),
    paragraph(
      `${title}, asked by `,
      exact(agent),
      '. Each is decided by itself. What is unlike the others stands first.',
    ),
    listOf(rows),
  ];
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
