import { actionProgress, standing } from './action-progress.ts';
import { objectOf } from './answer-json.ts';
import { getJson } from './api.ts';
import { ConsoleError, isMismatch } from './console-error.ts';
import { checkDecisions, type CheckedDecision } from './decision-check.ts';
import { DecisionPanel } from './decision-panel.ts';
import { DecisionsView } from './decisions-view.ts';
import { deputiesIn, principalsFor } from './deputy.ts';
import {
  claimsView,
  linesHeading,
  linesView,
  notCoveredView,
  warningsView,
  worstCaseView,
} from './display-view.ts';
import { exact, h, openRequestsLink, paragraph } from './element.ts';
import { showErased } from './erased-view.ts';
import { evidenceView } from './evidence-view.ts';
import { headlineView } from './headline-view.ts';
import { LedgerView } from './ledger-view.ts';
import { failureNotice, isTellable } from './notice.ts';
import { isCalm } from './plain-words.ts';
import { policyChange, type PolicyChange } from './policy-change.ts';
import { policyChangeView } from './policy-change-view.ts';
import { ProgressView } from './progress-view.ts';
import { checkReview, type CheckedReview } from './review-check.ts';
import { parseReview, type Review } from './review.ts';
import { ServerProblem } from './server-problem.ts';
import { isSignedOut } from './session.ts';
import { shortId } from './short-id.ts';
import { show, type SignedInVisit } from './visit.ts';

const RETRY_MS = 2_000;
const REVIEW_TRIES = 5;
const TICK_MS = 1_000;

/** Shows one action, and lets the person decide, for as long as the page is open. */
export async function showAction(visit: SignedInVisit, actionId: string): Promise<void> {
  try {
    const views = await reviewed(visit, actionId);
    await views.follow();
  } catch (error) {
    await showInstead(visit, actionId, error);
  }
}

async function reviewed(visit: SignedInVisit, actionId: string): Promise<ActionViews> {
  const review = await fetchReview(actionId);
  const { pin, ledger } = visit;
  const { tenant } = ledger;
  const checked = await checkReview(review, { actionId, tenant, pin });
  // Whatever the server says of its status: it may say another one once this is drawn.
  const change = await policyChange(checked, { pin, tenant, get: getJson });
  const decisions = await checkDecisions(review.decisions, checked, pin);
  const status = objectOf(await getJson('/v1/status'));
  const deputies = deputiesIn(status);
  return new ActionViews({
    visit,
    actionId,
    checked,
    principalsAt: (nowMs) =>
      principalsFor(checked.admission, visit.signer.person, { deputies, nowMs }),
    status: review.status,
    decisions,
    change,
  });
}

/** What is erased is shown as erased once that is proved; anything else is told as it is. */
async function showInstead(visit: SignedInVisit, actionId: string, error: unknown): Promise<void> {
  if (!isTellable(error) || isSignedOut(error)) throw error;
  if (!isErasure(error)) {
    showRefused(visit, actionId, error);
    return;
  }
  try {
    await showErased(visit, actionId, error.logged);
  } catch (unproven) {
    if (!isTellable(unproven) || isSignedOut(unproven)) throw unproven;
    showRefused(visit, actionId, unproven);
  }
}

function isErasure(error: unknown): error is ServerProblem {
  return error instanceof ServerProblem && error.code === 'CONTENT_ERASED';
}

function showRefused(
  { main }: SignedInVisit,
  actionId: string,
  error: ConsoleError | ServerProblem,
): void {
  const isInOrder = isCalm(error.code);
  show(
    main,
    `${shortId(actionId)} · ${isInOrder ? 'Not shown' : 'Do not decide'}`,
    h('h1', {}, 'There is nothing to decide here'),
    failureNotice(
      error,
      isInOrder ? 'This action is not shown' : 'This page shows nothing that it could not check',
    ),
    h('p', {}, 'Action ', exact(actionId)),
    h('p', {}, h('a', { class: 'way', href: location.pathname }, 'Try again')),
    openRequestsLink(),
  );
}

/** What an action says travels beside the log, and may come a moment after its entry. */
async function fetchReview(actionId: string): Promise<Review> {
  for (let triesLeft = REVIEW_TRIES; ; triesLeft -= 1) {
    try {
      return parseReview(await getJson(`/v1/actions/${actionId}/review`));
    } catch (error) {
      const isEarly = isTellable(error) && error.code === 'PROJECTOR_BEHIND' && triesLeft > 1;
      if (!isEarly) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

interface ActionParts {
  readonly visit: SignedInVisit;
  readonly actionId: string;
  readonly checked: CheckedReview;
  readonly principalsAt: (nowMs: number) => readonly string[];
  readonly status: string;
  readonly decisions: readonly CheckedDecision[];
  /** Of a request for another policy; shown while it is open. */
  readonly change: PolicyChange | undefined;
}

/** The views of one action that change while it goes its way. */
class ActionViews {
  readonly #parts: ActionParts;
  readonly #linesHeading = h('h2');
  readonly #ledgerView: LedgerView;
  readonly #decisionsView: DecisionsView;
  readonly #progressView: ProgressView;
  readonly #panel: DecisionPanel;
  readonly #evidence = h('div');
  readonly #change: HTMLElement | undefined;
  #lastIndex = -1;
  #status = '';

  constructor(parts: ActionParts) {
    const { visit, checked, principalsAt, status, decisions, change } = parts;
    this.#parts = parts;
    this.#change = change && policyChangeView(change);
    this.#ledgerView = new LedgerView(checked, visit.signer.person);
    this.#progressView = new ProgressView(checked.admission.max_uses);
    this.#decisionsView = new DecisionsView(checked.admission, visit.signer.person);
    const end = h('div', { class: 'end' });
    this.#panel = new DecisionPanel({
      visit,
      checked,
      principalsAt,
      end,
      onDecided: () => {
        // What fails here fails again in `follow`, which tells.
        this.#refresh().catch((error: unknown) => {
          if (!isTellable(error)) throw error;
        });
      },
    });
    this.#draw(end);
    this.#stand(status, decisions);
  }

  #draw(end: HTMLElement): void {
    const { visit, actionId, checked } = this.#parts;
    const { display } = checked;
    const warnings = warningsView(display);
    const worst = worstCaseView(display);
    show(
      visit.main,
      `${shortId(actionId)} · ${display.title}`,
      h('h1', {}, display.title),
      h('p', {}, headlineView(display)),
      h('p', { class: 'status-line' }, this.#progressView.status, this.#ledgerView.headLeft),
      this.#decisionsView.element,
      ...(worst === undefined ? [] : [worst]),
      ...(warnings === undefined ? [] : [warnings]),
      linesView(display, this.#linesHeading),
      ...(this.#change === undefined ? [] : [this.#change]),
      notCoveredView(display),
      this.#ledgerView.element,
      claimsView(display),
      end,
      // Drawn before the panel asks whether its end is in view.
      this.#panel.element,
      this.#evidence,
      this.#progressView.element,
      checkedView(checked),
    );
  }

  /** Waits for news of the action, over and over. Throws when the person is signed out, and what ends the view. */
  async follow(): Promise<never> {
    const ticking = setInterval(() => {
      this.#ledgerView.tick();
      this.#panel.update(this.#status);
    }, TICK_MS);
    try {
      for (;;) {
        try {
          await this.#refresh(this.#lastIndex < 0 ? undefined : this.#lastIndex);
        } catch (error) {
          if (!isTellable(error) || isSignedOut(error) || endsView(error)) throw error;
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        }
      }
    } finally {
      clearInterval(ticking);
    }
  }

  async #refresh(since?: number): Promise<void> {
    const { actionId, checked, visit } = this.#parts;
    const progress = await actionProgress(actionId, since);
    // Two answers may overtake each other.
    if (progress.lastIndex <= this.#lastIndex) return;
    const { decisions } = await fetchReview(actionId);
    const checkedDecisions = await checkDecisions(decisions, checked, visit.pin);
    if (progress.lastIndex <= this.#lastIndex) return;
    this.#lastIndex = progress.lastIndex;
    this.#progressView.update(progress);
    this.#stand(standing(progress, checked.admission.max_uses), checkedDecisions);
    const isBound = progress.entries.some(({ type }) => type === 'binding-made');
    if (isBound && this.#evidence.childElementCount === 0) {
      this.#evidence.append(evidenceView(actionId, visit.pin));
    }
  }

  #stand(status: string, decisions: readonly CheckedDecision[]): void {
    this.#linesHeading.textContent = linesHeading(status);
    const isOpen = status === 'pending';
    this.#ledgerView.isOpen = isOpen;
    if (this.#change !== undefined) this.#change.hidden = !isOpen;
    this.#ledgerView.decided(decisions);
    this.#decisionsView.update(status, decisions);
    this.#status = status;
    this.#panel.decided(decisions);
    this.#panel.update(status);
  }
}

/** An erasure, and what proves that the server is wrong. An answer that cannot be read may be that of a proxy. */
function endsView(error: ConsoleError | ServerProblem): boolean {
  return isErasure(error) || (error instanceof ConsoleError && isMismatch(error.code));
}

function checkedView({ steps }: CheckedReview): HTMLElement {
  return h(
    'details',
    { class: 'card' },
    h('summary', {}, 'What this page has checked'),
    paragraph(
      'All that is above was computed here, in your browser, from the signed bytes of the action. It agrees with the entry of the log, whose signature this page has verified.',
    ),
    h(
      'dl',
      { class: 'lines steps' },
      ...steps.map(({ name, value }) =>
        h('div', { class: 'row' }, h('dt', {}, name), h('dd', {}, exact(value))),
      ),
    ),
  );
}
