import type { Signer } from './decision.ts';
import { exact, h, onPress } from './element.ts';
import type { LedgerFacts } from './ledger-pin.ts';
import { signOut } from './session.ts';

/** The head of each page: which ledger this is, and who is signed in. */
export function showBar(
  ledger: LedgerFacts | undefined,
  signer: Pick<Signer, 'person'> | undefined,
): void {
  document
    .getElementById('bar')
    ?.replaceChildren(
      h('a', { class: 'brand', href: '/' }, 'Countersign'),
      ...(ledger === undefined
        ? []
        : [
            h('span', { class: 'bar-ledger' }, 'Ledger ', exact(ledger.origin)),
            ...(ledger.frozen === true
              ? [h('strong', { class: 'tag caution' }, 'Frozen: nothing is used or approved')]
              : []),
            ...(ledger.demo ? [h('strong', { class: 'tag caution' }, 'Demonstration')] : []),
          ]),
      ...(signer === undefined
        ? []
        : [
            h(
              'span',
              { class: 'bar-person' },
              h('span', {}, 'Signed in as ', exact(signer.person)),
              leave(),
            ),
          ]),
    );
}

function leave(): HTMLElement {
  const button = h('button', { type: 'button', class: 'quiet' }, 'Sign out');
  onPress(button, () => {
    void signOut().then(() => {
      location.assign('/');
    });
  });
  return button;
}
