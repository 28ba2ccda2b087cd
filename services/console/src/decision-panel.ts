import { isUndeniable, type Verdict } from '@countersign/binding';
import type { Logged } from './api.ts';
import { ConfirmField } from './confirm-field.ts';
import { decide } from './decide.ts';
import type { CheckedDecision } from './decision-check.ts';
import { confirmationTyped } from './decision.ts';
import { exact, h, onPress, openRequestsLink, paragraph, section } from './element.ts';
import { approvalBar, barWords, type ApprovalBar } from './ledger-view.ts';
import { failureNotice, isTellable, notice } from './notice.ts';
import { statusWords } from './plain-words.ts';
import { RationaleField } from './rationale-field.ts';
import type { CheckedReview } from './review-check.ts';
import { whenSeen } from './seen-end.ts';
import { announce, type SignedInVisit } from './visit.ts';

export interface PanelParts {
  readonly visit: SignedInVisit;
  readonly checked: CheckedReview;
  /** In whose place the person could decide at a moment, as the server tells. */
  readonly principalsAt: (nowMs: number) => readonly string[];
  /** The end of what must have been on screen before an approval. */
  readonly end: HTMLElement;
  readonly onDecided: () => void;
}

const DONE: Readonly<Record<Verdict, string>> = {
  approve: 'Your approval is in the log',
  deny: 'Your denial is in the log',
  revoke: 'The action is stopped',
};

/** Where a person decides, according to where the action stands. */
export class DecisionPanel {
  readonly element: HTMLElement = h('div', { class: 'decision' });
  readonly #outcome = h('div');
  readonly #choices = h('div');
  readonly #parts: PanelParts;
  /** It comes with what is decided about. */
  readonly #shownAtMs = performance.now();
  /** What the choices are for. */
  #drawn = '';
  /** Of the choices that are drawn. */
  #field: RationaleField | undefined;
  #hasApproved = false;

  constructor(parts: PanelParts) {
    this.#parts = parts;
    this.element.append(this.#outcome, this.#choices);
  }

  /** What a person has typed stays, also where their turn comes while they type: an empty reason would be signed instead. */
  update(status: string): void {
    const bar = status === 'pending' ? this.#bar() : undefined;
    // Whose voice it would be, too: that can change while a person reads.
    const places = status === 'pending' ? this.#principals() : [];
    const drawn = [status, bar?.code, this.#hasApproved, ...places].join(' ');
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#choices.replaceChildren(...this.#choicesFor(status));
  }

  decided(decisions: readonly CheckedDecision[]): void {
    const me = this.#parts.visit.signer.person;
    this.#hasApproved = decisions.some(
      ({ person, verdict }) => person === me && verdict === 'approve',
    );
  }

  /** Whoever could not decide at first can once it went on to them. */
  #bar(): ApprovalBar | undefined {
    const { visit, checked } = this.#parts;
    const by = { principals: this.#principals(), nowMs: Date.now() };
    return approvalBar(checked.admission, visit.signer.person, by);
  }

  #principals(): readonly string[] {
    return this.#parts.principalsAt(Date.now());
  }

  #choicesFor(status: string): HTMLElement[] {
    const { admission } = this.#parts.checked;
    const isAuthority = admission.action_type.name.startsWith('authority.');
    if (status === 'pending') return [this.#pending()];
    // A change of the authority took effect in the same step as its approval.
    if (status === 'bound' && !isAuthority) return [this.#bound()];
    if (status === 'used-in-part') return [this.#usedInPart()];
    return [
      section(
        'Nothing to decide',
        { class: 'card' },
        paragraph(`${statusWords(status)}.`),
        openRequestsLink(),
      ),
    ];
  }

  #pending(): HTMLElement {
    if (this.#hasApproved) return this.#waiting();
    const bar = this.#bar();
    return bar === undefined ? this.#approvable() : this.#barred(bar);
  }

  #approvable(): HTMLElement {
    const { visit, checked, end } = this.#parts;
    const principals = this.#principals();
    const field = this.#newField(checked.admission.requirement.rationale === 'required');
    const deny = verdictButton('Deny', 'deny');
    const approve = verdictButton('Approve', 'approve');
    const hint = h(
      'p',
      { class: 'small', id: 'approve-hint' },
      'Approve opens when you have scrolled to the end of all that is above.',
    );
    approve.disabled = true;
    approve.setAttribute('aria-describedby', 'approve-hint');
    const confirm = confirmField(checked);
    const buttons = isUndeniable(checked.admission.action_type.name) ? [approve] : [deny, approve];
    const controls = new Controls(field, buttons, confirm);
    whenSeen(end, () => {
      controls.release(approve);
      hint.textContent = 'You have come to the end of what you would approve.';
      announce('You have come to the end. Approve is open now.');
    });
    onPress(deny, () => void this.#decide('deny', controls));
    onPress(approve, () => void this.#decide('approve', controls));
    return section(
      'Your decision',
      { class: 'card decide' },
      h('p', {}, 'You decide as ', exact(visit.signer.person), ', with your passkey.'),
      principals.length === 0 ? undefined : inPlaceOf(principals),
      field.element,
      confirm?.element,
      h('div', { class: 'buttons' }, ...buttons),
      hint,
      buttons.includes(deny) ? undefined : undeniable(),
    );
  }

  /** A second signature of the same person would be refused. */
  #waiting(): HTMLElement {
    return this.#stopping(
      'You have approved',
      paragraph('It waits for others to approve as well. Any enrolled person can stop it.'),
      'Stop this request',
    );
  }

  /** Who may not approve may still stop it: any enrolled person can. */
  #barred(bar: ApprovalBar): HTMLElement {
    return this.#stopping('Your decision', barWords(bar), 'Stop this request');
  }

  #bound(): HTMLElement {
    return this.#stopping(
      'Stop it',
      paragraph(
        'It is approved, and was not used yet. Until then any enrolled person can stop it.',
      ),
      'Revoke the approval',
    );
  }

  /** What was done stays done; what is left of it need not be. */
  #usedInPart(): HTMLElement {
    return this.#stopping(
      'Stop what is left',
      paragraph('It was used, and may be used again. Any enrolled person can stop that.'),
      'Revoke the approval',
    );
  }

  #newField(isRequired: boolean): RationaleField {
    const field = new RationaleField(isRequired, this.#field?.text);
    this.#field = field;
    return field;
  }

  #stopping(heading: string, why: HTMLElement, words: string): HTMLElement {
    const field = this.#newField(false);
    const revoke = verdictButton(words, 'revoke');
    const controls = new Controls(field, [revoke]);
    onPress(revoke, () => void this.#decide('revoke', controls));
    return section(
      heading,
      { class: 'card decide' },
      why,
      field.element,
      h('div', { class: 'buttons' }, revoke),
    );
  }

  async #decide(verdict: Verdict, controls: Controls): Promise<void> {
    const text = controls.field.read();
    if (text === undefined) return;
    // Whoever says no has nothing to confirm.
    const { confirm } = controls;
    const typed = verdict === 'approve' ? confirm?.read() : undefined;
    if (verdict === 'approve' && confirm !== undefined && typed === undefined) return;
    const { visit, checked, onDecided } = this.#parts;
    controls.isBusy = true;
    this.#outcome.replaceChildren();
    try {
      const shownMs = performance.now() - this.#shownAtMs;
      const said = { verdict, text, shownMs, ...(typed !== undefined && { typed }) };
      this.#tell(loggedNotice(verdict, await decide(visit, checked, said)));
      // It was the reason of that decision, and is none of the next.
      this.#field = undefined;
    } catch (error) {
      if (!isTellable(error)) throw error;
      this.#tell(failureNotice(error, 'Your decision did not count'));
    } finally {
      controls.isBusy = false;
      onDecided();
    }
  }

  #tell(told: HTMLElement): void {
    this.#outcome.replaceChildren(told);
    told.focus();
  }
}

/** The fields and buttons of one choice, which are all busy while one of them is. */
class Controls {
  readonly field: RationaleField;
  readonly confirm: ConfirmField | undefined;
  readonly #buttons: readonly HTMLButtonElement[];
  readonly #closed: Set<HTMLButtonElement>;

  constructor(
    field: RationaleField,
    buttons: readonly HTMLButtonElement[],
    confirm?: ConfirmField,
  ) {
    this.field = field;
    this.confirm = confirm;
    this.#buttons = buttons;
    this.#closed = new Set(buttons.filter(({ disabled }) => disabled));
  }

  release(button: HTMLButtonElement): void {
    this.#closed.delete(button);
    button.disabled = this.#isBusy;
  }

  #isBusy = false;

  set isBusy(isBusy: boolean) {
    this.#isBusy = isBusy;
    this.field.isDisabled = isBusy;
    if (this.confirm !== undefined) this.confirm.isDisabled = isBusy;
    for (const button of this.#buttons) {
      button.disabled = isBusy || this.#closed.has(button);
      button.setAttribute('aria-busy', String(isBusy));
    }
  }
}

function confirmField(checked: CheckedReview): ConfirmField | undefined {
  const { requirement, confirmation } = checked.admission;
  if (requirement.confirm === undefined) return undefined;
  return new ConfirmField(
    requirement.confirm,
    (typed) => confirmationTyped(checked, typed) === confirmation,
  );
}

/** schemas/formats/policy.md §7.10. */
function inPlaceOf(principals: readonly string[]): HTMLElement {
  const [one, ...others] = principals.map((each) => exact(each));
  if (one === undefined || others.length === 0) {
    return paragraph(
      'The rule does not name you. You decide in the place of somebody who is away (as the server tells), and count as them: ',
      one ?? '',
    );
  }
  return paragraph(
    'The rule does not name you. You decide in the place of one of these who are away (as the server tells), whichever place is free, and count as them: ',
    one,
    ...others.flatMap((each) => [', ', each]),
  );
}

/** schemas/formats/authority.md §13. */
function undeniable(): HTMLElement {
  return paragraph(
    'This cannot be denied, so that no single lost key stops it: if you are against it, do not sign. A recovery that others have signed for can be cancelled until it is used.',
  );
}

function verdictButton(words: string, verdict: Verdict): HTMLButtonElement {
  return h('button', { type: 'button', class: `verdict ${verdict}` }, words);
}

function loggedNotice(verdict: Verdict, { index, size }: Logged): HTMLElement {
  return notice(
    'good',
    DONE[verdict],
    paragraph(
      `It is entry ${index}. This page has checked its receipt: the entry is in the log, under a signed head of ${size} entries.`,
    ),
    openRequestsLink(),
  );
}
