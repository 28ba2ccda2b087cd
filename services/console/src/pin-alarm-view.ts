import { exact, h, onPress, paragraph } from './element.ts';
import { pinLedger, type LedgerFacts, type LedgerPin, type PinStore } from './ledger-pin.ts';
import { show } from './visit.ts';

interface Alarm {
  readonly main: HTMLElement;
  readonly store: PinStore;
  readonly ledger: LedgerFacts;
  readonly pin: LedgerPin;
  readonly what: readonly string[];
}

/**
 * The ledger is not the one that this browser knows. There is one way on: a person who has the trust file from
 * elsewhere brings its genesis digest. A button alone would be pressed.
 */
export function showPinAlarm(alarm: Alarm): void {
  const { main, ledger, pin, what } = alarm;
  show(
    main,
    'Another ledger',
    h('h1', {}, 'This is not the ledger that this browser knows'),
    h(
      'div',
      { class: 'notice alarm', role: 'alert' },
      h('h2', { class: 'notice-heading' }, 'Nothing is shown, and nothing can be decided'),
      paragraph(
        `Changed: ${what.join(', ')}. Somebody may be showing you a ledger of their own. It is harmless only if you know that the ledger was founded anew or its key was exchanged.`,
      ),
      h('p', { class: 'small' }, 'Code: ', h('code', { class: 'code' }, 'GENESIS_MISMATCH')),
    ),
    h(
      'dl',
      { class: 'lines card' },
      pair('Origin, as known', pin.trust.origin),
      pair('Origin, as told now', ledger.origin),
      pair('Genesis, as known', pin.trust.genesis),
      pair('Genesis, as told now', ledger.genesis),
      ...pin.logKeys.map((vkey) => pair('Log key, as known', vkey)),
      ...ledger.logKeys.map((vkey) => pair('Log key, as told now', vkey)),
    ),
    repinForm(alarm),
  );
}

function repinForm({ store, ledger }: Alarm): HTMLElement {
  const input = h('input', {
    id: 'genesis',
    type: 'text',
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-describedby': 'genesis-help genesis-error',
  });
  const error = h('p', { id: 'genesis-error', class: 'field-error', role: 'alert' });
  const button = h('button', { type: 'button' }, 'Trust this ledger from now on');
  onPress(button, () => {
    if (input.value.trim() !== ledger.genesis) {
      error.textContent = 'This is not the genesis of the ledger that answers here.';
      input.focus();
      return;
    }
    pinLedger(store, ledger);
    location.reload();
  });
  return h(
    'section',
    { class: 'card', 'aria-labelledby': 'h-new' },
    h('h2', { id: 'h-new' }, 'If you know that it is new'),
    paragraph(
      'Take the genesis from a trust file that you got from the people who founded the ledger, not from this page (its name is ',
      exact('trust.json'),
      ').',
    ),
    h('label', { for: 'genesis' }, 'Genesis in your trust file'),
    h('p', { id: 'genesis-help', class: 'small' }, 'It begins with sha256:'),
    input,
    error,
    h('p', { class: 'buttons' }, button),
  );
}

function pair(label: string, value: string): HTMLElement {
  return h('div', { class: 'row' }, h('dt', {}, label), h('dd', {}, exact(value)));
}
