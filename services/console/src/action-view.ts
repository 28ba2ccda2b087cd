import { actionProgress, type ActionProgress } from './action-progress.ts';
import { getJson } from './api.ts';
import { DecisionPanel } from './decision-panel.ts';
import { claimsView, linesView, notCoveredView, warningsView } from './display-view.ts';
import { exact, h, paragraph } from './element.ts';
import { evidenceView } from './evidence-view.ts';
import { LedgerView } from './ledger-view.ts';
import { failureNotice, isTellable } from './notice.ts';
import { ProgressView } from './progress-view.ts';
import { checkReview, type CheckedReview } from './review-check.ts';
import { parseReview, type Review } from './review.ts';
import { isSignedOut } from './session.ts';
import { show, type SignedInVisit } from './visit.ts';

const RETRY_MS = 2_000;
const REVIEW_TRIES = 5;
const TICK_MS = 1_000;

/** Shows one action, and lets the person decide, for as long as the page is open. Never returns, but by an error. */
export async function showAction(visit: SignedInVisit, actionId: string): Promise<void> {
  const views = await reviewed(visit, actionId);
  if (views !== undefined) await views.follow();
}

async function reviewed(visit: SignedInVisit, actionId: string): Promise<ActionViews | undefined> {
  try {
    const review = await fetchReview(actionId);
    const { pin, ledger } = visit;
    const checked = await checkReview(review, { actionId, tenant: ledger.tenant, pin });
    return new ActionViews({ visit, actionId, checked, review });
  } catch (error) {
    if (!isTellable(error) || isSignedOut(error)) throw error;
    show(
      visit.main,
      'Do not decide',
      h('h1', {}, 'There is nothing to decide here'),
      failureNotice(error, 'This page shows nothing that it could not check'),
      h('p', {}, 'Action ', exact(actionId)),
      h('p', {}, h('a', { href: '/' }, 'Back to the open requests')),
    );
    return undefined;
  }
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
  readonly review: Review;
}

/** The views of one action that change while it goes its way. */
class ActionViews {
  readonly #actionId: string;
  readonly #ledgerView: LedgerView;
  readonly #progressView = new ProgressView();
  readonly #panel: DecisionPanel;
  readonly #evidence = h('div');
  readonly #pin: SignedInVisit['pin'];
  #lastIndex = -1;

  constructor({ visit, actionId, checked, review }: ActionParts) {
    const { display } = checked;
    this.#actionId = actionId;
    this.#pin = visit.pin;
    this.#ledgerView = new LedgerView(checked, visit.signer.person);
    this.#ledgerView.decided(review.decisions);
    const end = h('div', { class: 'end' });
    this.#panel = new DecisionPanel({
      visit,
      checked,
      end,
      onDecided: () => {
        // What fails here fails again in `follow`, which tells.
        this.#refresh().catch((error: unknown) => {
          if (!isTellable(error)) throw error;
        });
      },
    });
    const warnings = warningsView(display);
    show(
      visit.main,
      display.title,
      h('h1', {}, display.title),
      h('p', { class: 'status-line' }, this.#progressView.status, this.#ledgerView.headLeft),
      ...(warnings === undefined ? [] : [warnings]),
      linesView(display),
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
    this.#panel.update(review.status);
  }

  /** Waits for news of the action, over and over. Throws when the person is signed out. */
  async follow(): Promise<void> {
    setInterval(() => {
      this.#ledgerView.tick();
    }, TICK_MS);
    for (;;) {
      try {
        await this.#refresh(this.#lastIndex < 0 ? undefined : this.#lastIndex);
      } catch (error) {
        if (!isTellable(error) || isSignedOut(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async #refresh(since?: number): Promise<void> {
    const progress = await actionProgress(this.#actionId, since);
    // Two answers may overtake each other.
    if (progress.lastIndex < this.#lastIndex) return;
    const isNews = progress.lastIndex > this.#lastIndex;
    this.#lastIndex = progress.lastIndex;
    this.#update(progress);
    if (isNews) {
      this.#ledgerView.decided((await fetchReview(this.#actionId)).decisions);
    }
  }

  #update(progress: ActionProgress): void {
    this.#progressView.update(progress);
    this.#ledgerView.isOpen = progress.status === 'pending';
    this.#panel.update(progress.status);
    const isBound = progress.entries.some(({ type }) => type === 'binding-made');
    if (isBound && this.#evidence.childElementCount === 0) {
      this.#evidence.append(evidenceView(this.#actionId, this.#pin));
    }
  }
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
