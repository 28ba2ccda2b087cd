import { createHash } from 'node:crypto';
import { sql, type Kysely, type SelectQueryBuilder } from 'kysely';
import { dumpBytes } from './dump-row.ts';
import {
  DIGESTS_WANTED_MAX,
  ENTRY_PAGE_MAX,
  type CheckpointRow,
  USES_MAX,
  type InputOutcome,
  type NodeRow,
  type ReadModels,
} from './read-models.ts';
import * as map from './row-mapping.ts';
import { assertLimit, pageReader } from './row-page.ts';
import { DERIVED_TABLES, shapeOf, type TableName, type Tables } from './tables.ts';

/** Of one proof: 63 levels, each folded from as many. */
const NODES_WANTED_MAX = 4_096;
const NODES_A_QUERY = 400;
const DUMP_PAGE_ROWS = 2_000;

type Read<K extends keyof ReadModels> = Pick<ReadModels, K>;

/** The reading half of read models that are kept in SQL, whatever the dialect. */
export type RowReader = Omit<ReadModels, 'apply' | 'clear' | 'close' | 'dump'>;

export function rowReader(db: Kysely<Tables>): RowReader {
  return {
    ...positionReader(db),
    ...pageReader(db),
    ...actionReader(db),
    ...entryReader(db),
    ...memberReader(db),
    ...contentReader(db),
    ...inputReader(db),
    ...treeReader(db),
  };
}

function positionReader(db: Kysely<Tables>): Read<'logPosition' | 'sidePosition'> {
  const positions = db.selectFrom('position');
  return {
    logPosition: async () => {
      const row = await positions.selectAll().where('name', '=', 'log').executeTakeFirst();
      return row === undefined ? undefined : map.logPosition(row);
    },
    sidePosition: async (topic) => {
      const query = positions.select('next_offset').where('name', '=', topic);
      const row = await query.executeTakeFirst();
      return row === undefined ? 0 : map.numberIn(row, 'next_offset');
    },
  };
}

function actionReader(db: Kysely<Tables>): Read<'action' | 'decisions' | 'usesCalled'> {
  return {
    action: async (tenant, actionId) => {
      const query = db
        .selectFrom('actions')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('action_id', '=', actionId);
      return (await query.execute()).map(map.actionRow)[0];
    },
    decisions: async (tenant, actionId) => {
      const query = db
        .selectFrom('decisions')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('action_id', '=', actionId)
        .orderBy('idx');
      return (await query.execute()).map(map.decisionRow);
    },
    usesCalled: async (tenant, shortId) => {
      const query = db
        .selectFrom('uses')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('short_id', '=', shortId)
        .orderBy('idx')
        .limit(USES_MAX);
      return (await query.execute()).map(map.useRow);
    },
  };
}

function entryReader(
  db: Kysely<Tables>,
): Read<'entries' | 'entriesOf' | 'entriesOfType' | 'entryWithLeaf'> {
  const entries = db.selectFrom('entries').selectAll().orderBy('idx');
  return {
    entriesOf: async (tenant, actionId, { start, limit } = { start: 0, limit: ENTRY_PAGE_MAX }) => {
      assertLimit(limit, ENTRY_PAGE_MAX);
      const query = entries
        .where('tenant', '=', tenant)
        .where('action_id', '=', actionId)
        .where('idx', '>=', start)
        .limit(limit);
      return (await query.execute()).map(map.entryRow);
    },
    entryWithLeaf: async (leaf) =>
      (await entries.where('leaf', '=', leaf).limit(1).execute()).map(map.entryRow)[0],
    entries: async (start, limit) => {
      assertLimit(limit, ENTRY_PAGE_MAX);
      const query = entries.where('idx', '>=', start).limit(limit);
      return (await query.execute()).map(map.entryRow);
    },
    entriesOfType: async (types, upTo, from = 0) => {
      const query = entries
        .where('type', 'in', types)
        .where('idx', '<=', upTo)
        .where('idx', '>=', from);
      return (await query.execute()).map(map.entryRow);
    },
  };
}

function memberReader(db: Kysely<Tables>): Read<'member' | 'memberByThumbprint' | 'members'> {
  const members = db.selectFrom('members').selectAll();
  return {
    member: async (kind, id) => {
      const query = members.where('kind', '=', kind).where('id', '=', id);
      return (await query.execute()).map(map.memberRow)[0];
    },
    memberByThumbprint: async (kind, thumbprint) => {
      const query = members
        .where('kind', '=', kind)
        .where('thumbprint', '=', thumbprint)
        .orderBy('id')
        .limit(1);
      return (await query.execute()).map(map.memberRow)[0];
    },
    members: async (kind) => {
      const query = members.where('kind', '=', kind).orderBy('id');
      return (await query.execute()).map(map.memberRow);
    },
  };
}

function contentReader(db: Kysely<Tables>): Read<'content' | 'document'> {
  return {
    document: async (digest) => {
      const query = db.selectFrom('documents').select('text').where('digest', '=', digest);
      const row = await query.executeTakeFirst();
      return row === undefined ? undefined : map.textIn(row, 'text');
    },
    content: async (tenant, actionId) => {
      const query = db
        .selectFrom('content')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('action_id', '=', actionId)
        .orderBy('kind')
        .orderBy('digest');
      return (await query.execute()).map(map.contentRow);
    },
  };
}

function inputReader(db: Kysely<Tables>): Read<'input' | 'inputs'> {
  const inputs = async (digests: readonly string[]): Promise<Map<string, InputOutcome>> => {
    if (digests.length === 0) return new Map();
    assertLimit(digests.length, DIGESTS_WANTED_MAX);
    const rows = await outcomeQuery(db, digests).execute();
    const outcomes = new Map<string, InputOutcome>();
    for (const row of rows) {
      const digest = map.textIn(row, 'digest');
      // An entry is the better answer: the same bytes may have been refused by the router before.
      if (outcomes.get(digest)?.kind !== 'entry') outcomes.set(digest, map.inputOutcome(row));
    }
    return outcomes;
  };
  return { inputs, input: async (digest) => (await inputs([digest])).get(digest) };
}

type OutcomeQuery = SelectQueryBuilder<
  Tables,
  'inputs',
  { digest: string; idx: number | null; code: string | null }
>;

function outcomeQuery(db: Kysely<Tables>, digests: readonly string[]): OutcomeQuery {
  const noCode = sql<string | null>`NULL`.as('code');
  const noIndex = sql<number | null>`NULL`.as('idx');
  const refused = db.selectFrom('quarantined').select(['digest', noIndex]);
  return db
    .selectFrom('inputs')
    .select((eb) => ['digest', eb.ref('idx').$castTo<number | null>().as('idx'), noCode])
    .where('digest', 'in', digests)
    .unionAll(
      refused
        .select((eb) => eb.ref('code').$castTo<string | null>().as('code'))
        .where('digest', 'in', digests),
    );
}

function treeReader(
  db: Kysely<Tables>,
): Read<'checkpoint' | 'checkpointWithin' | 'cosigned' | 'nodes'> {
  const checkpoints = db.selectFrom('checkpoints').selectAll().limit(1);
  const cosigned = db.selectFrom('cosigned').selectAll().orderBy('size', 'desc').limit(1);
  return {
    checkpoint: async (covering) => {
      const query =
        covering === undefined
          ? checkpoints.orderBy('size', 'desc')
          : checkpoints.where('size', '>=', covering).orderBy('size');
      return (await query.execute()).map(checkpointRow)[0];
    },
    checkpointWithin: async (size) => {
      const query = checkpoints.where('size', '<=', size).orderBy('size', 'desc');
      return (await query.execute()).map(checkpointRow)[0];
    },
    cosigned: async () => (await cosigned.execute()).map(checkpointRow)[0],
    nodes: async (wanted) => {
      assertLimit(Math.max(wanted.length, 1), NODES_WANTED_MAX);
      const found: NodeRow[] = [];
      for (let start = 0; start < wanted.length; start += NODES_A_QUERY) {
        const part = wanted.slice(start, start + NODES_A_QUERY);
        found.push(...(await leafNodes(db, part)), ...(await innerNodes(db, part)));
      }
      return found;
    },
  };
}

function checkpointRow(row: map.SqlRow): CheckpointRow {
  return { size: map.numberIn(row, 'size'), note: map.textIn(row, 'note') };
}

type Place = { readonly level: number; readonly index: number };

/** Level 0 is the leaves of the entries: they are not stored twice. */
async function leafNodes(db: Kysely<Tables>, wanted: readonly Place[]): Promise<NodeRow[]> {
  const indexes = wanted.filter(({ level }) => level === 0).map(({ index }) => index);
  if (indexes.length === 0) return [];
  const query = db.selectFrom('entries').select(['idx', 'leaf']).where('idx', 'in', indexes);
  return (await query.execute()).map(map.leafNode);
}

async function innerNodes(db: Kysely<Tables>, wanted: readonly Place[]): Promise<NodeRow[]> {
  const byLevel = new Map<number, number[]>();
  for (const { level, index } of wanted) {
    if (level > 0) byLevel.set(level, [...(byLevel.get(level) ?? []), index]);
  }
  if (byLevel.size === 0) return [];
  const query = db
    .selectFrom('nodes')
    .selectAll()
    .where((eb) =>
      eb.or(
        [...byLevel].map(([level, indexes]) =>
          eb.and([eb('level', '=', level), eb('idx', 'in', indexes)]),
        ),
      ),
    );
  return (await query.execute()).map(map.nodeRow);
}

/** A digest over every row of every table that can be built again. */
export async function dumpOf(db: Kysely<Tables>): Promise<string> {
  const hash = createHash('sha256');
  for (const table of DERIVED_TABLES) {
    hash.update(`${table}\n`);
    for await (const row of rowsInOrder(db, table)) hash.update(dumpBytes(row));
  }
  return `sha256:${hash.digest('hex')}`;
}

async function* rowsInOrder(db: Kysely<Tables>, table: TableName): AsyncGenerator<map.SqlRow> {
  const columns = shapeOf(table).key.map((column) => db.dynamic.ref(column));
  let offset = 0;
  for (;;) {
    let query = db.selectFrom(table).selectAll().limit(DUMP_PAGE_ROWS).offset(offset);
    for (const column of columns) query = query.orderBy(column);
    const rows: readonly map.SqlRow[] = await query.execute();
    yield* rows;
    if (rows.length < DUMP_PAGE_ROWS) return;
    offset += rows.length;
  }
}
