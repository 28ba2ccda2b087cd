import type { ContentErased } from '@countersign/binding';
import { actionProgress } from './action-progress.ts';
import { ConsoleError } from './console-error.ts';
import { exact, h, openRequestsLink, paragraph } from './element.ts';
import { evidenceView } from './evidence-view.ts';
import { checkLogged, type LoggedAnswer } from './logged-entry.ts';
import { notice } from './notice.ts';
import { ProgressView } from './progress-view.ts';
import { shortId } from './short-id.ts';
import { utcTime } from './time-words.ts';
import { show, type SignedInVisit } from './visit.ts';

/**
 * Content that was erased is in order, so nothing here is red. That it was, and not just kept back by the server, is
 * proved by the entry of the erasure.
 *
 * @throws ConsoleError NOT_LOGGED without such an entry, and the codes of checkLogged; ServerProblem
 */
export async function showErased(
  visit: SignedInVisit,
  actionId: string,
  logged: LoggedAnswer | undefined,
): Promise<void> {
  const { erasure, index } = await provenErasure(visit, actionId, logged);
  const progress = await actionProgress(actionId);
  const progressView = new ProgressView();
  progressView.update({ ...progress, useBy: null });
  const isBound = progress.entries.some(({ type }) => type === 'binding-made');
  show(
    visit.main,
    `${shortId(actionId)} · Erased`,
    h('h1', {}, 'The content of this action was erased'),
    h('p', { class: 'status-line' }, progressView.status),
    notice(
      'plain',
      `It was erased on ${utcTime(erasure.at)}`,
      paragraph(
        'An operator of this ledger had it removed, so nobody can read here any more what was asked for, nor the reasons of those who decided. There is nothing left to decide.',
      ),
      ...(progress.status === 'bound'
        ? [paragraph('It was approved and never used, and cannot be used any more.')]
        : []),
      paragraph(
        'The log keeps who decided and when, with digests and signatures. Proofs still verify.',
      ),
      h(
        'p',
        { class: 'small' },
        `This page has checked the receipt of the erasure: it is entry ${index} of the log, and covers ${digests(erasure)}.`,
      ),
    ),
    ...(isBound ? [evidenceView(actionId, visit.pin)] : []),
    progressView.element,
    h('p', { class: 'small' }, 'Action ', exact(actionId)),
    openRequestsLink(),
  );
}

function digests({ erased }: ContentErased): string {
  return erased.length === 1
    ? 'one text: the action'
    : `${erased.length} texts: the action and ${erased.length === 2 ? 'a reason' : 'reasons'}`;
}

async function provenErasure(
  { pin, ledger }: SignedInVisit,
  actionId: string,
  logged: LoggedAnswer | undefined,
): Promise<{ erasure: ContentErased; index: number }> {
  if (logged === undefined) throw notErased();
  const { entry, index } = await checkLogged(logged, pin);
  const isMeant =
    entry.type === 'content-erased' &&
    entry.tenant === ledger.tenant &&
    entry.action_id === actionId;
  if (!isMeant) throw notErased();
  return { erasure: entry, index };
}

function notErased(): ConsoleError {
  return new ConsoleError('NOT_LOGGED', 'expected the entry that erased the content');
}
