import type { DecisionStatement, RequestAdmitted } from '@countersign/binding';
import type { CheckedDecision } from './decision-check.ts';
import { shownWords } from './decided-words.ts';
import { exact, h, paragraph } from './element.ts';
import { utcTime } from './time-words.ts';

const HEADINGS: ReadonlyMap<string, string> = new Map([
  ['pending', 'Decided so far'],
  ['bound', 'Approved'],
  ['changed', 'Approved, and the change took effect'],
  ['used', 'Approved, and used'],
  ['used-in-part', 'Approved, used, and may be used again'],
  ['denied', 'Denied'],
  ['revoked', 'Stopped'],
  ['expired', 'Nobody decided in time'],
  ['superseded', 'Replaced by a newer request'],
  ['epoch-ended', 'Ended by a freeze'],
]);

const VERDICTS: Readonly<Record<DecisionStatement['verdict'], string>> = {
  approve: 'Approved by ',
  deny: 'Denied by ',
  revoke: 'Stopped by ',
};

/** Who decided what, and why: at the head of the page, since for most readers that is the news. */
export class DecisionsView {
  readonly element: HTMLElement;
  readonly #heading = h('h2', { id: 'h-decisions' });
  readonly #list = h('div');
  readonly #admission: RequestAdmitted;
  readonly #me: string;

  constructor(admission: RequestAdmitted, me: string) {
    this.#admission = admission;
    this.#me = me;
    this.element = h(
      'section',
      { class: 'card decisions', 'aria-labelledby': 'h-decisions', hidden: true },
      this.#heading,
      this.#list,
    );
  }

  update(status: string, decisions: readonly CheckedDecision[]): void {
    const end = this.#endWords(status);
    this.element.hidden = decisions.length === 0 && end === undefined;
    this.element.dataset['status'] = status;
    this.#heading.textContent = HEADINGS.get(status) ?? 'Decisions';
    this.#list.replaceChildren(
      ...(end === undefined ? [] : [paragraph(end)]),
      ...decisions.map((decision) => this.#decision(decision)),
    );
  }

  /** Ends that no person has made. */
  #endWords(status: string): string | undefined {
    if (status === 'expired') {
      return `The time to decide was over at ${utcTime(this.#admission.decide_by)}. If it is still wanted, the agent must ask again.`;
    }
    if (status === 'epoch-ended') {
      return 'The ledger was frozen after it was asked for. If it is still wanted, the agent must ask again.';
    }
    return status === 'superseded'
      ? 'The agent has put a newer request in its place. Look for that one among the open requests.'
      : undefined;
  }

  #decision(decision: CheckedDecision): HTMLElement {
    const { verdict, person, principal, isOfSecondGroup, at, index, rationale } = decision;
    const about = `entry ${index}${shownWords(decision.claimedDwellMs)}`;
    return h(
      'div',
      { class: 'decided' },
      paragraph(
        VERDICTS[verdict],
        exact(person),
        person === this.#me ? ' (you)' : undefined,
        ...(principal === undefined ? [] : [' in the place of ', exact(principal)]),
        isOfSecondGroup ? ' of the second group' : undefined,
        h('span', { class: 'small' }, ` ${utcTime(at)} · ${about}`),
      ),
      rationaleView(rationale),
    );
  }
}

function rationaleView(rationale: string | null): HTMLElement {
  if (rationale === null) return paragraph('The reason is not here any more.');
  if (rationale.trim() === '') return paragraph('No reason was given.');
  return h('blockquote', { class: 'rationale', dir: 'auto' }, rationale);
}
