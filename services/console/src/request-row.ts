import { getJson } from './api.ts';
import { likenessOf } from './crowd.ts';
import { exact, h } from './element.ts';
import { headlineOf } from './headline.ts';
import { headlineView } from './headline-view.ts';
import type { OpenRequest } from './inbox.ts';
import { isTellable } from './notice.ts';
import { isCalm } from './plain-words.ts';
import { checkReview, type CheckedReview } from './review-check.ts';
import { parseReview } from './review.ts';
import { isSignedOut } from './session.ts';
import { shortId } from './short-id.ts';
import { age, timeLeftInMinutes } from './time-words.ts';
import type { Visit } from './visit.ts';

const SOON_MS = 120_000;

/** One open request. What it asks for is shown once this page has computed it, and not before. */
export class RequestRow {
  readonly element: HTMLElement;
  readonly actionId: string;
  readonly #what = h('span', { class: 'request-what' }, 'Checking what it asks for …');
  readonly #left = h('span', { class: 'left' });
  readonly #who = h('span');
  readonly #age = h('span');
  #askedMs: number;
  #decideByMs: number;
  /** What it asks for, as far as others ask for the same; undefined until it is checked. */
  #likeness: string | undefined;

  constructor(request: OpenRequest) {
    const { actionId } = request;
    this.actionId = actionId;
    this.#askedMs = Date.parse(request.openedAt);
    this.#decideByMs = Date.parse(request.decideBy);
    this.#tellWho(request);
    this.element = h(
      'li',
      {},
      h(
        'a',
        { class: 'request', href: `/action/${actionId}` },
        this.#what,
        this.#left,
        h(
          'span',
          { class: 'request-facts small' },
          this.#who,
          this.#age,
          h('span', {}, 'id ', exact(shortId(actionId))),
        ),
      ),
    );
  }

  get isChecked(): boolean {
    return this.#likeness !== undefined;
  }

  get likeness(): string | undefined {
    return this.#likeness;
  }

  tick(nowMs: number): void {
    put(this.#left, timeLeftInMinutes(this.#decideByMs, nowMs));
    this.#left.classList.toggle('soon', this.#decideByMs - nowMs < SOON_MS);
    put(this.#age, age(this.#askedMs, nowMs));
  }

  /** What fails for a while is tried again by whoever calls again. */
  async check({ pin, ledger }: Visit): Promise<void> {
    const actionId = this.actionId;
    try {
      const review = parseReview(await getJson(`/v1/actions/${actionId}/review`));
      this.#show(await checkReview(review, { actionId, tenant: ledger.tenant, pin }));
    } catch (error) {
      if (!isTellable(error)) throw error;
      if (isCalm(error.code) || isSignedOut(error)) return;
      // Like nothing else: an alarm comes first.
      this.#likeness = actionId;
      this.#what.replaceChildren(
        h('span', { class: 'tag alarm' }, 'Do not decide'),
        `This page could not check what it asks for (${error.code}).`,
      );
    }
  }

  #tellWho({ title, agent }: Pick<OpenRequest, 'title' | 'agent'>): void {
    this.#who.replaceChildren(title, ', asked by ', exact(agent));
  }

  /** Also what the list has said already, now out of the entry of the log. */
  #show({ display, admission }: CheckedReview): void {
    const { length: warnings } = display.warnings;
    this.#likeness = likenessOf(headlineOf(display), warnings);
    this.#askedMs = Date.parse(admission.at);
    this.#decideByMs = Date.parse(admission.decide_by);
    this.#tellWho({ title: display.title, agent: admission.agent.id });
    this.tick(Date.now());
    this.#what.replaceChildren(
      headlineView(display),
      ...(warnings === 0
        ? []
        : [h('span', { class: 'tag caution' }, `Look closely (${warnings})`)]),
    );
  }
}

/** A text that stays is left alone, so that nobody who reads or selects it is disturbed. */
function put(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
