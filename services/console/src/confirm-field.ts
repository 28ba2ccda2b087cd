import type { ConfirmRule } from '@countersign/binding';
import { h } from './element.ts';

/** Where a person types the end of a field that stands above; never filled in for them. */
export class ConfirmField {
  readonly element: HTMLElement;
  readonly #input: HTMLInputElement;
  readonly #error: HTMLElement;
  readonly #isRight: (typed: string) => boolean;

  constructor({ field, last }: ConfirmRule, isRight: (typed: string) => boolean) {
    this.#isRight = isRight;
    this.#error = h('p', { id: 'confirm-error', class: 'field-error', role: 'alert' });
    this.#input = h('input', {
      id: 'confirm',
      type: 'text',
      autocomplete: 'off',
      autocapitalize: 'off',
      spellcheck: 'false',
      'aria-describedby': 'confirm-error',
    });
    this.#input.addEventListener('input', () => {
      this.#fault('');
    });
    this.element = h(
      'div',
      { class: 'field' },
      h(
        'label',
        { for: 'confirm' },
        `To approve, type the last ${last === 1 ? 'character' : `${last} characters`} of ${field}`,
      ),
      this.#input,
      this.#error,
    );
  }

  /** What was typed, or undefined after telling the person that it is not what stands there. */
  read(): string | undefined {
    const typed = this.#input.value.trim();
    if (this.#isRight(typed)) return typed;
    this.#fault('This is not how it ends. Look at it again, above, and type it from there.');
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
