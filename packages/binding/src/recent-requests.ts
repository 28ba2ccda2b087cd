import { batchedType } from '@countersign/descriptors';
import type { ActionRecord } from './action-record.ts';
import type { DraftMap } from './draft-map.ts';
import type { Counted, Recent } from './recent-counts.ts';

/** Requests of one agent and type in one minute of ledger time. */
interface MinuteCount {
  readonly minute: number;
  readonly count: number;
}

export type RecentTable = DraftMap<string, readonly MinuteCount[]>;

const MINUTE_MS = 60_000;
const HOUR_MINUTES = 60;
const DAY_MINUTES = 24 * HOUR_MINUTES;

function keyOf(agent: string, type: string): string {
  // No id of an agent and no name of a type holds a space.
  return `${agent} ${type}`;
}

/** Whoever asks for many at once has asked for each of them. */
export function noteCounted(table: RecentTable, record: ActionRecord): void {
  const { agent, type, batch, countedMs } = record;
  if (countedMs === undefined) return;
  const minute = Math.floor(countedMs / MINUTE_MS);
  note(table, keyOf(agent, type), { minute, count: 1 });
  const inner = batchedType(type);
  if (inner !== undefined) note(table, keyOf(agent, inner), { minute, count: batch?.count ?? 0 });
}

/** In whatever order they come: a snapshot keeps its records by id. */
function note(table: RecentTable, key: string, { minute, count }: MinuteCount): void {
  const before = table.get(key) ?? [];
  const newest = Math.max(minute, before.at(-1)?.minute ?? 0);
  const counted = new Map(before.map((each) => [each.minute, each.count]));
  counted.set(minute, (counted.get(minute) ?? 0) + count);
  const kept = [...counted]
    .filter(([at]) => at > newest - DAY_MINUTES)
    .sort(([a], [b]) => a - b)
    .map(([at, sum]) => ({ minute: at, count: sum }));
  table.set(key, kept);
}

export function recentOf(
  table: RecentTable,
  asked: { readonly agent: string; readonly type: string },
  nowMs: number,
): Recent {
  const count = (type: string): Counted => {
    const minutes = table.get(keyOf(asked.agent, type)) ?? [];
    const now = Math.floor(nowMs / MINUTE_MS);
    const within = (span: number): number =>
      minutes
        .filter(({ minute }) => minute > now - span)
        .reduce((sum, each) => sum + each.count, 0);
    return { count_1h: within(HOUR_MINUTES), count_24h: within(DAY_MINUTES) };
  };
  const inner = batchedType(asked.type);
  return { ...count(asked.type), ...(inner !== undefined && { items: count(inner) }) };
}
