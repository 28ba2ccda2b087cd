import type { Signer } from './decision.ts';
import { exact, h, onPress, paragraph } from './element.ts';
import { failureNotice, isTellable } from './notice.ts';
import { signIn } from './session.ts';
import { show, type Visit } from './visit.ts';

/** Shows how to sign in, until a person has. */
export async function askToSignIn(visit: Visit, why: string): Promise<Signer> {
  const failure = h('div');
  const button = h('button', { type: 'button', class: 'primary' }, 'Sign in with a passkey');
  showSignIn(visit, why, [h('p', { class: 'buttons' }, button), failure]);
  for (;;) {
    await pressed(button);
    button.disabled = true;
    failure.replaceChildren();
    try {
      return await signIn(visit.pin.trust.origin, visit.rpId);
    } catch (error) {
      if (!isTellable(error)) throw error;
      failure.replaceChildren(failureNotice(error, 'You are not signed in'));
    } finally {
      button.disabled = false;
    }
  }
}

function pressed(button: HTMLButtonElement): Promise<void> {
  return new Promise((resolve) => {
    onPress(button, resolve);
  });
}

function showSignIn(visit: Visit, why: string, controls: readonly HTMLElement[]): void {
  show(
    visit.main,
    'Sign in',
    h('h1', {}, 'Sign in'),
    paragraph(why),
    ...controls,
    h(
      'section',
      { class: 'card', 'aria-labelledby': 'h-first-time' },
      h('h2', { id: 'h-first-time' }, 'First time here?'),
      paragraph(
        'You need an enrolment link. The first one was made when the ledger was founded: it is in the file ',
        exact('enrolment-link.txt'),
        ' in the data folder of the ledger. Everybody else is invited by those who are enrolled.',
      ),
    ),
  );
}
