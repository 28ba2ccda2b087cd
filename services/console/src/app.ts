import { objectIn, objectOf, textIn } from './answer-json.ts';
import { showAction } from './action-view.ts';
import { getJson } from './api.ts';
import { showBar } from './bar-view.ts';
import {
  askForColleague,
  currentColleague,
  showCompanySignIn,
  showSignedIn,
  takeFailedSignIn,
  type Colleague,
} from './company.ts';
import { h, paragraph } from './element.ts';
import { showEnrolment } from './enrol-view.ts';
import { showInbox } from './inbox-view.ts';
import { parseInvitationLink, type InvitationLink } from './invitation.ts';
import { comparePin, parseLedgerFacts } from './ledger-pin.ts';
import { failureNotice, isTellable, notice } from './notice.ts';
import { showPinAlarm } from './pin-alarm-view.ts';
import { currentSigner, isSignedOut } from './session.ts';
import { askToSignIn } from './sign-in-view.ts';
import { show, type SignedInVisit, type Visit } from './visit.ts';

const ACTION_PATH = /^\/action\/([0-7][0-9A-HJKMNP-TV-Z]{25})$/;

/** Before anything else, and before anything is fetched: what stays in the address bar stays in its history. */
function takeInvitation(): InvitationLink | undefined {
  const { hash, pathname } = location;
  if (pathname !== '/enrol' || hash === '') return undefined;
  history.replaceState(null, '', pathname);
  return parseInvitationLink(hash);
}

function mainElement(): HTMLElement {
  const main = document.getElementById('main');
  if (main === null) throw new Error('expected the page to have a main element');
  return main;
}

async function run(main: HTMLElement, link: InvitationLink | undefined): Promise<void> {
  const failed = takeFailedSignIn();
  const visit = await begin(main);
  if (visit === undefined) return;
  if (location.pathname === '/enrol') {
    if (link !== undefined && hasCompany(visit)) await askForColleague(visit, link);
    showEnrolment(visit, link);
    return;
  }
  if (location.pathname === '/signed-in') {
    showSignedIn(visit);
    return;
  }
  for (let why = 'Decisions are made by persons, so this page must know who you are.'; ;) {
    const colleague = hasCompany(visit) ? await currentColleague() : undefined;
    if (colleague === undefined && hasCompany(visit)) {
      showCompanySignIn(visit, failed);
      return;
    }
    try {
      await showAs(visit, colleague, why);
      return;
    } catch (error) {
      if (!isSignedOut(error)) throw error;
      showBar(visit.ledger, undefined);
      why = 'Your session is over. Sign in to go on.';
    }
  }
}

function hasCompany({ ledger }: Visit): boolean {
  return ledger.signInIssuer !== undefined;
}

/** A colleague who may read sees what waits; whoever opens one of them decides with a passkey. */
async function showAs(visit: Visit, colleague: Colleague | undefined, why: string): Promise<void> {
  const signer = await currentSigner();
  if (signer === undefined && colleague?.mayRead === true && location.pathname === '/') {
    showBar(visit.ledger, { person: colleague.subject });
    await showInbox(visit);
    return;
  }
  // Whoever came with the wrong account can go.
  if (colleague !== undefined) showBar(visit.ledger, { person: colleague.subject });
  const person = signer ?? (await askToSignIn(visit, why));
  showBar(visit.ledger, person);
  await showView({ ...visit, signer: person });
}

async function begin(main: HTMLElement): Promise<Visit | undefined> {
  const answer = await getJson('/v1/ledger');
  const ledger = parseLedgerFacts(answer);
  const rpId = textIn(objectIn(objectOf(answer), 'rp'), 'id');
  showBar(ledger, undefined);
  const store = window.localStorage;
  const compared = comparePin(store, ledger);
  if (compared.kind !== 'changed') return { main, ledger, rpId, pin: compared.pin };
  showPinAlarm({ main, store, ledger, pin: compared.pin, what: compared.what });
  return undefined;
}

async function showView(visit: SignedInVisit): Promise<void> {
  const actionId = ACTION_PATH.exec(location.pathname)?.[1];
  await (actionId === undefined ? showInbox(visit) : showAction(visit, actionId));
}

/** Somebody else's page could lay its own over this one, and have you press a button that you do not see. */
function showFramed(main: HTMLElement): void {
  show(
    main,
    'Not here',
    h('h1', {}, 'This page does not work inside another page'),
    notice('alarm', 'Nothing can be decided here', paragraph('Open it in a window of its own.')),
    h(
      'p',
      {},
      h(
        'a',
        { class: 'way', href: location.pathname, target: '_blank', rel: 'noopener' },
        'Open it',
      ),
    ),
  );
}

function showFailure(main: HTMLElement, error: unknown): void {
  if (!isTellable(error)) throw error;
  const told = failureNotice(error, 'This page cannot go on');
  show(main, 'Trouble', h('h1', {}, 'Something went wrong'), told);
}

/** A bug of ours. It stays in the browser's console too, and nothing else is said or done. */
function showFault(main: HTMLElement): void {
  main.prepend(
    notice(
      'alarm',
      'This page has a fault',
      paragraph('Load it again, to see where things stand.'),
    ),
  );
}

const invitation = takeInvitation();
const page = mainElement();
window.addEventListener('unhandledrejection', () => {
  showFault(page);
});
if (window.top === window.self) {
  run(page, invitation).catch((error: unknown) => {
    showFailure(page, error);
  });
} else {
  showFramed(page);
}
