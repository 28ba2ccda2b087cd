import { enrol } from './enrolment.ts';
import { exact, h, onPress, paragraph, row } from './element.ts';
import { openInvitation, type InvitationLink } from './invitation.ts';
import { failureNotice, isTellable, notice } from './notice.ts';
import { show, type Visit } from './visit.ts';

/** Explains what enrolling is, and does it when asked to. */
export function showEnrolment(visit: Visit, link: InvitationLink | undefined): void {
  if (link === undefined) {
    showWithoutLink(visit);
    return;
  }
  const outcome = h('div');
  const button = h('button', { type: 'button', class: 'primary' }, 'Make my passkey');
  const start = h('p', { class: 'buttons' }, button);
  onPress(button, () => {
    button.disabled = true;
    outcome.replaceChildren();
    void enrolled(visit, link).then(({ told, isDone }) => {
      button.disabled = false;
      if (isDone) start.remove();
      outcome.replaceChildren(told);
      told.focus();
    });
  });
  show(
    visit.main,
    'Enrol',
    h('h1', {}, 'Become an approver'),
    paragraph(
      'You have been invited to decide what agents may do in this ledger. For that you make a passkey: a key that stays in your device or security key, and that only works when you unlock it.',
    ),
    h(
      'ul',
      {},
      h('li', {}, 'Each time you approve or deny, this passkey signs for exactly that one action.'),
      h('li', {}, 'Nobody can decide in your name without it, not even those who run the ledger.'),
      h('li', {}, 'The invitation works once. It was taken out of the address bar already.'),
    ),
    h(
      'dl',
      { class: 'lines card' },
      row('You will be', exact(link.person)),
      row('Ledger', exact(visit.pin.trust.origin)),
      row('Tenant', exact(link.tenant)),
    ),
    start,
    outcome,
  );
}

async function enrolled(
  visit: Visit,
  link: InvitationLink,
): Promise<{ told: HTMLElement; isDone: boolean }> {
  try {
    const { index, size } = await enrol(visit, await openInvitation(link));
    return {
      isDone: true,
      told: notice(
        'good',
        'You are enrolled',
        paragraph(
          `Your passkey is entry ${index} of the log. This page has checked its receipt: the entry is in the log, under a signed head of ${size} entries.`,
        ),
        h(
          'p',
          {},
          h(
            'a',
            { class: 'button primary', href: wayOn(visit) },
            'Sign in and see the open requests',
          ),
        ),
      ),
    };
  } catch (error) {
    if (!isTellable(error)) throw error;
    return { isDone: false, told: failureNotice(error, 'You are not enrolled yet') };
  }
}

/** A sign-in that was for the invitation is for nothing else: the company is asked again, and knows the person already. */
function wayOn({ ledger }: Visit): string {
  return ledger.signInIssuer === undefined ? '/' : '/v1/identity/sign-in?return_to=%2F';
}

function showWithoutLink({ main }: Visit): void {
  show(
    main,
    'Enrol',
    h('h1', {}, 'Become an approver'),
    notice(
      'plain',
      'There is no invitation in this address',
      paragraph(
        'Open the whole enrolment link again. If you loaded this page anew, the invitation is gone from it: it is never stored.',
      ),
    ),
    h('p', {}, h('a', { class: 'way', href: '/' }, 'I am enrolled: go to the open requests')),
  );
}
