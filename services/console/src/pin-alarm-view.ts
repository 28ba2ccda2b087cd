import { ConsoleError } from './console-error.ts';
import { exact, h, onPress, paragraph, row } from './element.ts';
import {
  pinTrustFile,
  type LedgerFacts,
  type LedgerPin,
  type PinChange,
  type PinStore,
} from './ledger-pin.ts';
import { show } from './visit.ts';

interface Alarm {
  readonly main: HTMLElement;
  readonly store: PinStore;
  readonly ledger: LedgerFacts;
  readonly pin: LedgerPin;
  readonly what: readonly PinChange[];
}

const CHANGES: Readonly<Record<PinChange, string>> = {
  origin: 'its name (origin)',
  genesis: 'its very first entry (genesis)',
  'log-keys': 'the key that signs its log (log-keys)',
};

/**
 * The ledger is not the one that this browser knows. There is one way on: a person who has the trust file from
 * elsewhere brings it. A button alone would be pressed, and what the server says now is not shown to be copied.
 */
export function showPinAlarm(alarm: Alarm): void {
  const { main, pin, what } = alarm;
  show(
    main,
    'Another ledger',
    h('h1', {}, 'This is not the ledger that this browser knows'),
    h(
      'div',
      { class: 'notice alarm', role: 'alert' },
      h('h2', { class: 'notice-heading' }, 'Nothing is shown, and nothing can be decided'),
      paragraph(
        `What differs is ${what.map((each) => CHANGES[each]).join(', and ')}. Somebody may be showing you a ledger of their own. It is harmless only if you know that the ledger was founded anew, or that its key was exchanged.`,
      ),
      h('p', { class: 'small' }, 'Code: ', h('code', { class: 'code' }, 'GENESIS_MISMATCH')),
    ),
    h(
      'section',
      { class: 'card', 'aria-labelledby': 'h-known' },
      h('h2', { id: 'h-known' }, 'The ledger that this browser knows'),
      h(
        'dl',
        { class: 'lines' },
        row('Origin', exact(pin.trust.origin)),
        row('Genesis', exact(pin.trust.genesis)),
        ...pin.logKeys.map((vkey) => row('Key of the log', exact(vkey))),
      ),
    ),
    repinForm(alarm),
  );
}

function repinForm({ store, ledger }: Alarm): HTMLElement {
  const input = h('textarea', {
    id: 'trust-file',
    rows: '5',
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-describedby': 'trust-file-error',
  });
  const error = h('p', { id: 'trust-file-error', class: 'field-error', role: 'alert' });
  const button = h('button', { type: 'button' }, 'Trust this ledger from now on');
  onPress(button, () => {
    try {
      pinTrustFile(store, input.value, ledger);
      location.reload();
    } catch (refused) {
      if (!(refused instanceof ConsoleError)) throw refused;
      error.textContent = 'This is no trust file of the ledger that answers here.';
      input.focus();
    }
  });
  return h(
    'section',
    { class: 'card', 'aria-labelledby': 'h-new' },
    h('h2', { id: 'h-new' }, 'If you know that it is new'),
    paragraph(
      'Get its trust file from the people who founded it, and not from this page. On the machine where the ledger runs it is ',
      exact('trust.json'),
      ', in the data folder.',
    ),
    h(
      'div',
      { class: 'field' },
      h('label', { for: 'trust-file' }, 'All that is in the trust file'),
      input,
      error,
    ),
    h('div', { class: 'buttons' }, button),
  );
}
