import { standing, type ActionProgress } from './action-progress.ts';
import { exact, h, section, type Child } from './element.ts';
import { entryWords, statusWords } from './plain-words.ts';
import { utcTime } from './time-words.ts';

const RESULT_WORDS: ReadonlyMap<string, string> = new Map([
  ['succeeded', 'The executor reports: it succeeded'],
  ['failed', 'The executor reports: it failed'],
  ['unknown', 'The executor cannot tell what came of it'],
]);

/** What has happened to an action so far, kept up to date. */
export class ProgressView {
  readonly element: HTMLElement;
  /** For the head of the page. */
  readonly status: HTMLElement = h('span', { class: 'status', role: 'status' });
  readonly #entries = h('ol', { class: 'timeline' });
  readonly #maxUses: number;

  /** @param maxUses as often as the ledger admitted; of an action that was erased nothing is left. */
  constructor(maxUses = 1) {
    this.#maxUses = maxUses;
    this.element = section('What has happened', { class: 'card' }, this.#entries);
  }

  update(progress: ActionProgress): void {
    const { uses, result, useBy, entries, decisions } = progress;
    const maxUses = this.#maxUses;
    const status = standing(progress, maxUses);
    const isUsable = status === 'bound' || status === 'used-in-part';
    const deciders = new Map(decisions.map(({ index, person }) => [index, person]));
    const words = [
      statusWords(status),
      ...(uses > 0 && maxUses > 1 ? [`${uses} of ${maxUses} uses`] : []),
      ...(isUsable && useBy !== null ? [`use by ${utcTime(useBy)}`] : []),
      ...(result === null ? [] : [RESULT_WORDS.get(result) ?? result]),
    ].join(' · ');
    if (this.status.textContent !== words) this.status.textContent = words;
    this.status.dataset['status'] = status;
    this.#entries.replaceChildren(
      ...entries.map(({ index, type, at }) =>
        h(
          'li',
          {},
          h('span', {}, entryWords(type), ...by(deciders.get(index))),
          h('span', { class: 'small' }, `${utcTime(at)} · entry ${index} · ${type}`),
        ),
      ),
    );
  }
}

function by(person: string | undefined): readonly Child[] {
  return person === undefined ? [] : [': ', exact(person)];
}
