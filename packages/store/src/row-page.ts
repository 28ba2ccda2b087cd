import type { Kysely, SelectQueryBuilder } from 'kysely';
import {
  ENTRY_PAGE_MAX,
  PAGE_ROWS_MAX,
  SCANNED_MAX,
  type ActionFilter,
  type ActionRow,
  type AskedRow,
  type DecidedFilter,
  type EntryFilter,
  type EntryRow,
  type FormerMemberRow,
  type MemberFilter,
  type MemberRow,
  type Page,
  type Period,
  type ReadModels,
} from './read-models.ts';
import * as map from './row-mapping.ts';
import { StoreError } from './store-error.ts';
import type { Tables } from './tables.ts';

/** Lists, a page at a time. Each goes on by a key and never by counting, so that what comes meanwhile moves nothing. */

type Pages = Pick<
  ReadModels,
  | 'actions'
  | 'bindings'
  | 'decidedPage'
  | 'findings'
  | 'typedEntries'
  | 'memberPage'
  | 'formerMembers'
  | 'indexFrom'
>;

export function pageReader(db: Kysely<Tables>): Pages {
  return {
    actions: (filter) => actionPage(db, filter),
    bindings: (filter) => bindingPage(db, filter),
    decidedPage: (filter) => decidedPage(db, filter),
    findings: (filter) => typedPage(db, { ...filter, types: ['finding-raised'] }),
    typedEntries: (filter) => typedPage(db, filter),
    memberPage: (filter) => memberPage(db, filter),
    formerMembers: (filter) => formerMemberPage(db, filter),
    indexFrom: (at) => indexFrom(db, at),
  };
}

async function actionPage(db: Kysely<Tables>, filter: ActionFilter): Promise<Page<ActionRow>> {
  const { cursor, limit, from, to } = filter;
  assertLimit(limit, PAGE_ROWS_MAX);
  let query = filtered(db, filter)
    // Ids are ULIDs, so that their order is that of time; '~' is behind every one of them.
    .where('action_id', '<', cursor ?? '~')
    .orderBy('action_id', 'desc')
    .limit(limit + 1);
  if (from !== undefined) query = query.where('opened_at', '>=', from);
  if (to !== undefined) query = query.where('opened_at', '<', to);
  return paged((await query.execute()).map(map.actionRow), limit, ({ actionId }) => actionId);
}

async function bindingPage(db: Kysely<Tables>, filter: ActionFilter): Promise<Page<ActionRow>> {
  const { cursor, limit } = filter;
  assertLimit(limit, PAGE_ROWS_MAX);
  const { first, end } = await rangeOf(db, filter);
  const query = filtered(db, filter)
    .where('binding_index', '>=', first)
    .where('binding_index', '<', Math.min(end, indexOf(cursor)))
    .orderBy('binding_index', 'desc')
    .limit(limit + 1);
  const rows = (await query.execute()).map(map.actionRow);
  return paged(rows, limit, ({ bindingIndex }) => String(bindingIndex));
}

async function decidedPage(db: Kysely<Tables>, filter: DecidedFilter): Promise<Page<AskedRow>> {
  const { tenant, person, before, cursor, limit } = filter;
  assertLimit(limit, ENTRY_PAGE_MAX);
  const { first, end } = await rangeOf(db, filter);
  const start = cursor === null || cursor === undefined ? first : indexOf(cursor) + 1;
  const all = db
    .selectFrom('decided')
    .selectAll()
    // Not a join: the same bytes may be in a log twice, and nobody decided twice for that.
    .select((eb) =>
      eb
        .selectFrom('entries')
        .select('entries.at')
        .whereRef('entries.leaf', '=', 'decided.admission')
        .limit(1)
        .as('asked_at'),
    )
    .where('idx', '>=', start)
    .where('idx', '<', Math.min(end, before))
    .where('tenant', '=', tenant)
    .orderBy('idx')
    .limit(limit + 1);
  const query = person === undefined ? all : all.where('person', '=', person);
  return paged((await query.execute()).map(map.askedRow), limit, ({ index }) => String(index));
}

function filtered(
  db: Kysely<Tables>,
  { tenant, status, type, agent, executor, code, person }: ActionFilter,
): SelectQueryBuilder<Tables, 'actions', Tables['actions']> {
  let query = db.selectFrom('actions').selectAll().where('tenant', '=', tenant);
  if (status !== undefined) query = query.where('status', '=', status);
  if (type !== undefined) query = query.where('action_type', '=', type);
  if (agent !== undefined) query = query.where('agent', '=', agent);
  if (executor !== undefined) query = query.where('executor', '=', executor);
  if (code !== undefined) query = query.where('code', '=', code);
  if (person !== undefined) {
    query = query.where('action_id', 'in', (eb) =>
      eb
        .selectFrom('decisions')
        .select('decisions.action_id')
        .where('decisions.tenant', '=', tenant)
        .where('decisions.person', '=', person),
    );
  }
  return query;
}

async function memberPage(
  db: Kysely<Tables>,
  { kind, person, cursor, limit }: MemberFilter,
): Promise<Page<MemberRow>> {
  assertLimit(limit, PAGE_ROWS_MAX);
  const all = db
    .selectFrom('members')
    .selectAll()
    .where('kind', '=', kind)
    .where('id', '>', cursor ?? '')
    .orderBy('id')
    .limit(limit + 1);
  const query = person === undefined ? all : all.where('person', '=', person);
  return paged((await query.execute()).map(map.memberRow), limit, ({ id }) => id);
}

async function formerMemberPage(
  db: Kysely<Tables>,
  { kind, person, cursor, limit }: MemberFilter,
): Promise<Page<FormerMemberRow>> {
  assertLimit(limit, PAGE_ROWS_MAX);
  const { index, id } = removalAt(cursor);
  let query = db
    .selectFrom('former_members')
    .selectAll()
    .where('kind', '=', kind)
    .where((eb) =>
      eb.or([
        eb('removed_index', '<', index),
        eb.and([eb('removed_index', '=', index), eb('id', '>', id)]),
      ]),
    )
    .orderBy('removed_index', 'desc')
    .orderBy('id')
    .limit(limit + 1);
  if (person !== undefined) query = query.where('person', '=', person);
  const rows = (await query.execute()).map(map.formerMemberRow);
  return paged(rows, limit, (row) => `${row.removedIndex}/${row.id}`);
}

async function typedPage(db: Kysely<Tables>, filter: EntryFilter): Promise<Page<EntryRow>> {
  const { tenant, types, cursor, limit, wanted } = filter;
  assertLimit(limit, PAGE_ROWS_MAX);
  const { first, end } = await rangeOf(db, filter);
  const scanned = wanted === undefined ? limit : SCANNED_MAX;
  const query = db
    .selectFrom('entries')
    .selectAll()
    .where('type', 'in', types)
    .where('idx', '>=', first)
    .where('idx', '<', Math.min(end, indexOf(cursor)))
    .where('tenant', '=', tenant)
    .orderBy('idx', 'desc')
    .limit(scanned + 1);
  const rows = (await query.execute()).map(map.entryRow);
  if (wanted === undefined) return paged(rows, limit, ({ index }) => String(index));
  const seen = rows.slice(0, scanned);
  const found = seen.filter(wanted).slice(0, limit);
  // Behind the last one that is given, or behind all that were looked at.
  const last = found.length === limit ? found.at(-1) : seen.at(-1);
  const isMore = rows.length > scanned || (last !== undefined && last !== seen.at(-1));
  return { rows: found, cursor: isMore && last !== undefined ? String(last.index) : null };
}

/** Indexes of the entries of a period. */
async function rangeOf(
  db: Kysely<Tables>,
  { from, to }: Period,
): Promise<{ readonly first: number; readonly end: number }> {
  return {
    first: from === undefined ? 0 : await indexFrom(db, from),
    end: to === undefined ? Number.MAX_SAFE_INTEGER : await indexFrom(db, to),
  };
}

/** By halves: an index by time would cost every entry its place in it, and this costs some thirty reads by key. */
async function indexFrom(db: Kysely<Tables>, at: string): Promise<number> {
  const newest = await db
    .selectFrom('entries')
    .select('idx')
    .orderBy('idx', 'desc')
    .limit(1)
    .execute();
  let low = 0;
  let high = newest.map((row) => map.numberIn(row, 'idx') + 1)[0] ?? 0;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const query = db.selectFrom('entries').select('at').where('idx', '=', middle);
    const time = (await query.execute()).map((row) => map.textIn(row, 'at'))[0] ?? '';
    if (time < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function paged<T>(rows: readonly T[], limit: number, cursorOf: (row: T) => string): Page<T> {
  const found = rows.slice(0, limit);
  const last = rows.length > limit ? found.at(-1) : undefined;
  return { rows: found, cursor: last === undefined ? null : cursorOf(last) };
}

/** One entry may take several members away: each goes on after its index and its id. */
function removalAt(cursor: string | null | undefined): { index: number; id: string } {
  const [, index, id = ''] = /^(\d{1,15})\/(.+)$/s.exec(cursor ?? '') ?? [];
  if (index !== undefined) return { index: Number(index), id };
  return { index: indexOf(cursor === null || cursor === undefined ? cursor : ''), id };
}

function indexOf(cursor: string | null | undefined): number {
  if (cursor === null || cursor === undefined) return Number.MAX_SAFE_INTEGER;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new StoreError('PAGE_REQUEST', 'expected the cursor of a page');
}

export function assertLimit(limit: number, max: number): void {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > max) {
    throw new StoreError('PAGE_REQUEST', `expected 1 to ${max} rows, got ${limit}`);
  }
}
