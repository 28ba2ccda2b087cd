import { RATIONALE_MAX } from './decision.ts';
import { h } from './element.ts';

/** With the `u` flag a pair is one character, so this finds halves only, which no signed text can hold. */
const LONE_SURROGATE = /[\uD800-\uDFFF]/gu;

const COUNT_FORMAT = new Intl.NumberFormat('en');

/** The reason of a person, with its counter. Limits are those of the ledger, so that nothing is cut later. */
export class RationaleField {
  readonly element: HTMLElement;
  readonly #input: HTMLTextAreaElement;
  readonly #error: HTMLElement;
  readonly #isRequired: boolean;

  /** @param text what a person has typed before, elsewhere */
  constructor(isRequired: boolean, text = '') {
    this.#isRequired = isRequired;
    const count = h('p', { id: 'rationale-count', class: 'small' });
    this.#error = h('p', { id: 'rationale-error', class: 'field-error', role: 'alert' });
    this.#input = h('textarea', {
      id: 'rationale',
      rows: '3',
      maxlength: String(RATIONALE_MAX),
      required: isRequired,
      autocomplete: 'off',
      'aria-describedby': 'rationale-count rationale-error',
    });
    const showCount = (): void => {
      const { length } = this.#input.value;
      count.textContent = `${COUNT_FORMAT.format(length)} of ${COUNT_FORMAT.format(RATIONALE_MAX)} characters. It is kept with the decision, and only its digest is in the log.`;
      if (length > 0) this.#fault('');
    };
    this.#input.value = text;
    this.#input.addEventListener('input', showCount);
    showCount();
    this.element = h(
      'div',
      { class: 'field' },
      h('label', { for: 'rationale' }, `Your reason (${isRequired ? 'required' : 'optional'})`),
      this.#input,
      count,
      this.#error,
    );
  }

  get text(): string {
    return this.#input.value;
  }

  /** The text, or undefined after telling the person that it is missing. */
  read(): string | undefined {
    const text = this.#input.value.replace(LONE_SURROGATE, '\uFFFD');
    if (!this.#isRequired || text.trim() !== '') return text;
    this.#fault('Say why, in a few words. The policy asks for it, whichever way you decide.');
    this.#input.focus();
    return undefined;
  }

  set isDisabled(isDisabled: boolean) {
    this.#input.disabled = isDisabled;
  }

  #fault(text: string): void {
    if (this.#error.textContent !== text) this.#error.textContent = text;
    this.#input.setAttribute('aria-invalid', String(text !== ''));
  }
}
