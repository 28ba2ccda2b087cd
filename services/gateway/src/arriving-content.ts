import type { ActionRow, ContentRow } from '@countersign/store';
import type { Gateway } from './gateway-app.ts';

const LOOKS = 40;
const LOOK_MS = 25;

/**
 * Content travels beside the log, so it may come a moment after its entry: answers what is there once that is enough,
 * or was erased, or does not come.
 */
export async function arrivingContent(
  models: Gateway['deps']['models'],
  { tenant, actionId }: Pick<ActionRow, 'tenant' | 'actionId'>,
  isEnough: (content: readonly ContentRow[]) => boolean,
): Promise<readonly ContentRow[]> {
  for (let looksLeft = LOOKS; ; looksLeft -= 1) {
    const content = await models.content(tenant, actionId);
    if (looksLeft === 0 || isEnough(content)) return content;
    if ((await models.action(tenant, actionId))?.erased === true) return content;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
