import type { JsonObject } from '@countersign/canonical';
import { flagIn, listIn, objectOf, textIn } from './answer-json.ts';
import { getJson } from './api.ts';
import { exact, h, paragraph } from './element.ts';
import { notice } from './notice.ts';

/** What nobody may get used to, or overlook: nothing while there is nothing. As the server tells. */
export async function statusNotices(): Promise<readonly HTMLElement[]> {
  const status = objectOf(await getJson('/v1/status'));
  const unreviewed = listIn(status, 'unreviewed').map(objectOf);
  const recoveries = listIn(status, 'recoveries').map(objectOf);
  return [
    ...(recoveries.length === 0 ? [] : [recoveryNotice(recoveries)]),
    ...(unreviewed.length === 0 ? [] : [breakGlassNotice(unreviewed)]),
  ];
}

function recoveryNotice(recoveries: readonly JsonObject[]): HTMLElement {
  const lines = recoveries.map((each) =>
    h(
      'li',
      {},
      exact(textIn(each, 'person')),
      ` gets a new key at ${textIn(each, 'opens_at')} or later, until ${textIn(each, 'ends_at')}: `,
      exact(textIn(each, 'invitation')),
    ),
  );
  return notice(
    'alarm',
    'Recovery: somebody is about to get a new key',
    paragraph(
      'Enough persons have signed that this person has lost their keys. If you do not know of it, have it cancelled before its delay is over (countersign recover cancel), and find out whose keys signed for it.',
    ),
    h('ul', { class: 'plain' }, ...lines),
  );
}

/** Red until everything that ran as BREAK-GLASS is reviewed. */
function breakGlassNotice(unreviewed: readonly JsonObject[]): HTMLElement {
  const lines = unreviewed.map((each) => {
    const id = textIn(each, 'action_id');
    const state = flagIn(each, 'is_overdue')
      ? 'nobody has reviewed it in time'
      : 'waits for its review';
    const link = h('a', { href: `/action/${id}` }, exact(id));
    return h('li', {}, link, ` at ${textIn(each, 'at')}: ${state}`);
  });
  return notice(
    'alarm',
    'BREAK-GLASS: not reviewed yet',
    paragraph(
      'This went ahead without the usual approvals. Two persons who had no part in it have to review it. When that is overdue, no further emergency can be asked for.',
    ),
    h('ul', { class: 'plain' }, ...lines),
  );
}
