import type { Membership } from '@countersign/binding';
import type { Json } from '@countersign/canonical';
import { flagIn, objectOf, textIn } from './answer-json.ts';
import { getJson } from './api.ts';
import { exact, h, paragraph } from './element.ts';
import { failureNotice, notice } from './notice.ts';
import { openInvitation, type InvitationLink } from './invitation.ts';
import { ServerProblem } from './server-problem.ts';
import { isSignedOut } from './session.ts';
import { show, type Visit } from './visit.ts';

/** Somebody who has signed in with a company account. That decides nothing: it opens this page. */
export interface Colleague {
  readonly subject: string;
  /** Without a passkey. */
  readonly mayRead: boolean;
}

const CHANNEL = 'countersign.signed-in';
const LOOK_MS = 2_000;
const UNAUTHORIZED = 401;

/** Undefined when nobody is signed in. */
export async function currentColleague(): Promise<Colleague | undefined> {
  try {
    const from = objectOf(await getJson('/v1/identity'));
    return { subject: textIn(from, 'subject'), mayRead: flagIn(from, 'may_read') };
  } catch (error) {
    if (isSignedOut(error)) return undefined;
    throw error;
  }
}

/** What shows in which groups of the company a person is. @throws ServerProblem IDENTITY_REQUIRED, IDENTITY_MISMATCH */
export async function membershipOf(person: string): Promise<Membership> {
  return membershipIn(await getJson(`/v1/identity/membership?person=${person}`));
}

/** What shows who enrols, where the ledger asks for it. @throws ServerProblem IDENTITY_REQUIRED, IDENTITY_MISMATCH */
export async function identityFor(invitation: {
  readonly id: string;
  readonly person: string;
}): Promise<Membership | undefined> {
  const query = `person=${invitation.person}&invitation=${invitation.id}`;
  const { identity } = objectOf(await getJson(`/v1/identity/enrolment?${query}`));
  return identity === undefined ? undefined : membershipIn(identity);
}

function membershipIn(json: Json): Membership {
  const from = objectOf(json);
  return {
    token: textIn(from, 'token'),
    subject_salt: textIn(from, 'subject_salt'),
    nonce_salt: textIn(from, 'nonce_salt'),
  };
}

/** What a sign-in that failed came back with, taken out of the address; undefined if there is nothing. */
export function takeFailedSignIn(): ServerProblem | undefined {
  const code = /^#sign-in=([A-Z_]{3,40})$/.exec(location.hash)?.[1];
  if (code === undefined) return undefined;
  history.replaceState(null, '', location.pathname);
  const facts = { status: UNAUTHORIZED };
  return new ServerProblem(code, 'the sign-in with the company account has failed', facts);
}

/** Asks to sign in with a company account, which leads away from this page and back to it. */
export function showCompanySignIn(visit: Visit, failed: ServerProblem | undefined): void {
  show(
    visit.main,
    'Sign in',
    h('h1', {}, 'Sign in'),
    paragraph('This ledger is for people of the company. Your passkey is asked for afterwards.'),
    wayIn(visit, `/v1/identity/sign-in?return_to=${encodeURIComponent(location.pathname)}`),
    ...(failed === undefined ? [] : [failureNotice(failed, 'You are not signed in')]),
  );
}

/**
 * Asks for it in a window beside this one, which holds an invitation that is never stored. Resolves once somebody is signed in.
 */
export async function askForColleague(visit: Visit, link: InvitationLink): Promise<void> {
  const invitation = await openInvitation(link);
  const isThere = (): Promise<boolean> => isSignedInFor(invitation);
  if (await isThere()) return;
  show(
    visit.main,
    'Enrol',
    h('h1', {}, 'Become an approver'),
    paragraph(
      'First sign in with your company account. It opens beside this page; then come back here.',
    ),
    wayIn(visit, `/v1/identity/sign-in?return_to=%2Fsigned-in&invitation=${invitation.id}`, {
      target: '_blank',
      rel: 'noopener',
    }),
  );
  const told = new BroadcastChannel(CHANNEL);
  do {
    await new Promise((resolve) => {
      told.onmessage = resolve;
      // Also for a browser that keeps its windows apart.
      setTimeout(resolve, LOOK_MS);
    });
  } while (!(await isThere()));
  told.close();
}

/** Somebody else than the invitation is for is told so when they enrol. */
async function isSignedInFor(invitation: Parameters<typeof identityFor>[0]): Promise<boolean> {
  try {
    await identityFor(invitation);
    return true;
  } catch (error) {
    if (isSignedOut(error)) return false;
    if (error instanceof ServerProblem && error.code === 'IDENTITY_MISMATCH') return true;
    throw error;
  }
}

/** Where the window beside ends. */
export function showSignedIn({ main }: Visit): void {
  new BroadcastChannel(CHANNEL).postMessage('');
  show(
    main,
    'Signed in',
    h('h1', {}, 'You are signed in'),
    notice('good', 'Go on in the other window', paragraph('You can close this one.')),
  );
}

function wayIn(
  { ledger }: Visit,
  href: string,
  attributes: Readonly<Record<string, string>> = {},
): HTMLElement {
  return h(
    'div',
    {},
    h(
      'p',
      { class: 'buttons' },
      h('a', { class: 'button primary', href, ...attributes }, 'Sign in with your company account'),
    ),
    h('p', { class: 'small' }, 'Accounts of ', exact(ledger.signInIssuer ?? '')),
  );
}
