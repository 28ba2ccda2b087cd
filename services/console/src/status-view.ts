import { flagIn, listIn, objectOf, textIn } from './answer-json.ts';
import { getJson } from './api.ts';
import { exact, h, paragraph } from './element.ts';
import { notice } from './notice.ts';

/** Red until everything that ran as BREAK-GLASS is reviewed; nothing while there is nothing. As the server tells. */
export async function statusNotice(): Promise<HTMLElement | undefined> {
  const unreviewed = listIn(objectOf(await getJson('/v1/status')), 'unreviewed').map(objectOf);
  if (unreviewed.length === 0) return undefined;
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
