import { endedByFreeze, stageOf } from '@countersign/projector';
import { PAGE_ROWS_MAX } from '@countersign/store';
import type { GatewayDeps } from './gateway-deps.ts';

/** Requests that nobody has decided, by how much of their time is over: each in one of the two. */
export interface Undecided {
  readonly half: number;
  readonly last_tenth: number;
}

/** So that nobody makes an answer long by asking for much: an agent has at most 200 open. */
const PAGES_MAX = 20;

export async function undecidedIn(
  { models, nowMs }: Pick<GatewayDeps, 'models' | 'nowMs'>,
  tenant: string,
): Promise<Undecided> {
  const counts = { half: 0, last_tenth: 0 };
  const isEnded = await endedByFreeze(models);
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const found = await models.actions({ tenant, status: 'pending', limit: PAGE_ROWS_MAX, cursor });
    for (const row of found.rows) {
      if (isEnded(row)) continue;
      const { openedAt, decideBy } = row;
      const stage = stageOf({ askedAt: openedAt, decideBy: decideBy ?? '' }, nowMs());
      if (stage !== undefined) counts[stage === 'half' ? 'half' : 'last_tenth'] += 1;
    }
    ({ cursor } = found);
    if (cursor === null) break;
  }
  return counts;
}
