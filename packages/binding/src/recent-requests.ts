import { batchedType } from '@countersign/descriptors';
import type { ActionRecord } from './action-record.ts';
import type { DraftMap } from './draft-map.ts';
import {
  HOUR_MINUTES,
  minuteOf,
  recentMinutes,
  sumOf,
  withCount,
  type MinuteCount,
} from './minute-count.ts';
import type { Counted, Recent } from './recent-counts.ts';

/** Requests of one agent and type in one minute of ledger time. */
export type RecentTable = DraftMap<string, readonly MinuteCount[]>;

const DAY_MINUTES = 24 * HOUR_MINUTES;

function keyOf(agent: string, type: string): string {
  // No id of an agent and no name of a type holds a space.
  return `${agent} ${type}`;
}

/** Whoever asks for many at once has asked for each of them. */
export function noteCounted(table: RecentTable, record: ActionRecord): void {
  const { agent, type, batch, countedMs } = record;
  if (countedMs === undefined) return;
  const minute = minuteOf(countedMs);
  note(table, keyOf(agent, type), { minute, count: 1 });
  const inner = batchedType(type);
  if (inner !== undefined) note(table, keyOf(agent, inner), { minute, count: batch?.count ?? 0 });
}

function note(table: RecentTable, key: string, more: MinuteCount): void {
  table.set(key, withCount(table.get(key) ?? [], more, DAY_MINUTES));
}

export function recentOf(
  table: RecentTable,
  asked: { readonly agent: string; readonly type: string },
  nowMs: number,
): Recent {
  const count = (type: string): Counted => {
    const minutes = table.get(keyOf(asked.agent, type)) ?? [];
    const within = (span: number): number => sumOf(recentMinutes(minutes, minuteOf(nowMs), span));
    return { count_1h: within(HOUR_MINUTES), count_24h: within(DAY_MINUTES) };
  };
  const inner = batchedType(asked.type);
  return { ...count(asked.type), ...(inner !== undefined && { items: count(inner) }) };
}
