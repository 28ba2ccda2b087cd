import { createHash } from 'node:crypto';
import { SqliteError, openDatabase } from '@countersign/sqlite';
import type { Database, Row, SqlValue, Statement } from '@countersign/sqlite';
import { logPositionStatement, sidePositionStatement, statementsOf } from './change-statement.ts';
import { dumpBytes } from './dump-row.ts';
import {
  ENTRY_PAGE_MAX,
  PAGE_ROWS_MAX,
  type ActionFilter,
  type ActionRow,
  type ChangeSet,
  type ContentRow,
  type DecisionRow,
  type EntryRow,
  type InputOutcome,
  type LogPosition,
  type MemberRow,
  type NodeRow,
  type Page,
  type ReadModels,
  type SideTopic,
} from './read-models.ts';
import * as map from './row-mapping.ts';
import { APPLICATION_ID, DERIVED_TABLES, SCHEMA, SCHEMA_VERSION } from './schema.ts';
import { StoreError } from './store-error.ts';

const DUMP_PAGE_ROWS = 2_000;
/** Of one proof: 63 levels, each folded from as many. */
const NODES_WANTED_MAX = 4_096;
const NODES_A_QUERY = 400;

/** Opens the read models in a SQLite file, which is made when there is none. */
export async function openSqliteStore(path: string): Promise<ReadModels> {
  try {
    const database = await openDatabase({
      path,
      applicationId: APPLICATION_ID,
      userVersion: SCHEMA_VERSION,
      schema: SCHEMA,
    });
    // A stop between an erasure and its checkpoint has left the bytes in the WAL: here they go.
    await database.checkpoint();
    return new SqliteStore(database);
  } catch (error) {
    throw wrapped(error);
  }
}

class SqliteStore implements ReadModels {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async apply(changes: ChangeSet): Promise<void> {
    const statements: Statement[] = statementsOf(changes.rows);
    if (changes.log !== undefined) statements.push(logPositionStatement(changes.log));
    for (const { topic, nextOffset } of changes.side ?? []) {
      statements.push(sidePositionStatement(topic, nextOffset));
    }
    if (statements.length > 0) await this.#run(statements);
    // What was erased must not stay readable in the WAL until it happens to be written over.
    if (changes.rows.some(({ change }) => change === 'content-erased')) await this.#checkpoint();
  }

  async logPosition(): Promise<LogPosition | undefined> {
    const [row] = await this.#all("SELECT * FROM position WHERE name = 'log'");
    return row === undefined ? undefined : map.logPosition(row);
  }

  async sidePosition(topic: SideTopic): Promise<number> {
    const [row] = await this.#all('SELECT next_offset FROM position WHERE name = ?', [topic]);
    return row === undefined ? 0 : map.numberIn(row, 'next_offset');
  }

  async action(tenant: string, actionId: string): Promise<ActionRow | undefined> {
    const rows = await this.#all('SELECT * FROM actions WHERE tenant = ? AND action_id = ?', [
      tenant,
      actionId,
    ]);
    return rows.map(map.actionRow)[0];
  }

  async actions({ tenant, status, cursor, limit }: ActionFilter): Promise<Page<ActionRow>> {
    assertLimit(limit, PAGE_ROWS_MAX);
    // Ids are ULIDs, so that their order is that of time; '~' is behind every one of them.
    const before = cursor ?? '~';
    const rows = await this.#all(
      `SELECT * FROM actions WHERE tenant = ? AND action_id < ? ${status === undefined ? '' : 'AND status = ?'}
       ORDER BY action_id DESC LIMIT ?`,
      [tenant, before, ...(status === undefined ? [] : [status]), limit + 1],
    );
    const found = rows.slice(0, limit).map(map.actionRow);
    return { rows: found, cursor: rows.length > limit ? (found.at(-1)?.actionId ?? null) : null };
  }

  async entriesOf(tenant: string, actionId: string): Promise<EntryRow[]> {
    const rows = await this.#all(
      'SELECT * FROM entries WHERE tenant = ? AND action_id = ? ORDER BY idx LIMIT ?',
      [tenant, actionId, ENTRY_PAGE_MAX],
    );
    return rows.map(map.entryRow);
  }

  async entries(start: number, limit: number): Promise<EntryRow[]> {
    assertLimit(limit, ENTRY_PAGE_MAX);
    const rows = await this.#all('SELECT * FROM entries WHERE idx >= ? ORDER BY idx LIMIT ?', [
      start,
      limit,
    ]);
    return rows.map(map.entryRow);
  }

  async entriesOfType(types: readonly string[], upTo: number): Promise<EntryRow[]> {
    const rows = await this.#all(
      `SELECT * FROM entries WHERE type IN (${types.map(() => '?').join(',')}) AND idx <= ? ORDER BY idx`,
      [...types, upTo],
    );
    return rows.map(map.entryRow);
  }

  async decisions(tenant: string, actionId: string): Promise<DecisionRow[]> {
    const rows = await this.#all(
      'SELECT * FROM decisions WHERE tenant = ? AND action_id = ? ORDER BY idx',
      [tenant, actionId],
    );
    return rows.map(map.decisionRow);
  }

  async member(kind: string, id: string): Promise<MemberRow | undefined> {
    const rows = await this.#all('SELECT * FROM members WHERE kind = ? AND id = ?', [kind, id]);
    return rows.map(map.memberRow)[0];
  }

  async memberByThumbprint(kind: string, thumbprint: string): Promise<MemberRow | undefined> {
    const rows = await this.#all(
      'SELECT * FROM members WHERE kind = ? AND thumbprint = ? ORDER BY id LIMIT 1',
      [kind, thumbprint],
    );
    return rows.map(map.memberRow)[0];
  }

  async members(kind: string): Promise<MemberRow[]> {
    const rows = await this.#all('SELECT * FROM members WHERE kind = ? ORDER BY id', [kind]);
    return rows.map(map.memberRow);
  }

  async document(digest: string): Promise<string | undefined> {
    const [row] = await this.#all('SELECT text FROM documents WHERE digest = ?', [digest]);
    return row === undefined ? undefined : map.textIn(row, 'text');
  }

  async content(tenant: string, actionId: string): Promise<ContentRow[]> {
    const rows = await this.#all(
      'SELECT * FROM content WHERE tenant = ? AND action_id = ? ORDER BY kind, digest',
      [tenant, actionId],
    );
    return rows.map(map.contentRow);
  }

  /** An entry is the better answer: the same bytes may have been refused by the router before. */
  async input(digest: string): Promise<InputOutcome | undefined> {
    const [row] = await this.#all(
      `SELECT idx, NULL AS code FROM inputs WHERE digest = ?1
       UNION ALL SELECT NULL, code FROM quarantined WHERE digest = ?1 LIMIT 1`,
      [digest],
    );
    if (row === undefined) return undefined;
    return row['idx'] === null
      ? { kind: 'quarantined', code: map.textIn(row, 'code') }
      : { kind: 'entry', index: map.numberIn(row, 'idx') };
  }

  async checkpoint(covering?: number): Promise<{ size: number; note: string } | undefined> {
    const [row] =
      covering === undefined
        ? await this.#all('SELECT * FROM checkpoints ORDER BY size DESC LIMIT 1')
        : await this.#all('SELECT * FROM checkpoints WHERE size >= ? ORDER BY size LIMIT 1', [
            covering,
          ]);
    return row === undefined
      ? undefined
      : { size: map.numberIn(row, 'size'), note: map.textIn(row, 'note') };
  }

  async nodes(wanted: readonly { level: number; index: number }[]): Promise<NodeRow[]> {
    assertLimit(Math.max(wanted.length, 1), NODES_WANTED_MAX);
    const found: NodeRow[] = [];
    for (let start = 0; start < wanted.length; start += NODES_A_QUERY) {
      const part = wanted.slice(start, start + NODES_A_QUERY);
      const leaves = part.filter(({ level }) => level === 0).map(({ index }) => index);
      const inner = part.filter(({ level }) => level > 0);
      found.push(...(await this.#leafNodes(leaves)), ...(await this.#innerNodes(inner)));
    }
    return found;
  }

  /** Level 0 is the leaves of the entries: they are not stored twice. */
  async #leafNodes(indexes: readonly number[]): Promise<NodeRow[]> {
    if (indexes.length === 0) return [];
    const rows = await this.#all(
      `SELECT idx, leaf FROM entries WHERE idx IN (${indexes.map(() => '?').join(',')})`,
      indexes,
    );
    return rows.map(map.leafNode);
  }

  async #innerNodes(wanted: readonly { level: number; index: number }[]): Promise<NodeRow[]> {
    if (wanted.length === 0) return [];
    const rows = await this.#all(
      `SELECT * FROM nodes WHERE (level, idx) IN (VALUES ${wanted.map(() => '(?,?)').join(',')})`,
      wanted.flatMap(({ level, index }) => [level, index]),
    );
    return rows.map(map.nodeRow);
  }

  async dump(): Promise<string> {
    const hash = createHash('sha256');
    for (const [table, order] of DERIVED_TABLES) {
      hash.update(`${table}\n`);
      let offset = 0;
      for (;;) {
        const rows = await this.#all(
          `SELECT * FROM ${table} ORDER BY ${order} LIMIT ${DUMP_PAGE_ROWS} OFFSET ?`,
          [offset],
        );
        for (const row of rows) hash.update(dumpBytes(row));
        if (rows.length < DUMP_PAGE_ROWS) break;
        offset += rows.length;
      }
    }
    return `sha256:${hash.digest('hex')}`;
  }

  async clear(): Promise<void> {
    const tables = [...DERIVED_TABLES.map(([table]) => table), 'position'];
    await this.#run(tables.map((table) => ({ sql: `DELETE FROM ${table}` })));
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  async #run(statements: readonly Statement[]): Promise<void> {
    try {
      await this.#database.run(statements);
    } catch (error) {
      throw wrapped(error);
    }
  }

  async #checkpoint(): Promise<void> {
    try {
      await this.#database.checkpoint();
    } catch (error) {
      throw wrapped(error);
    }
  }

  async #all(sql: string, params: readonly SqlValue[] = []): Promise<Row[]> {
    try {
      return await this.#database.all(sql, params);
    } catch (error) {
      throw wrapped(error);
    }
  }
}

function assertLimit(limit: number, max: number): void {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > max) {
    throw new StoreError('PAGE_REQUEST', `expected 1 to ${max} rows, got ${limit}`);
  }
}

function wrapped(error: unknown): unknown {
  if (!(error instanceof SqliteError)) return error;
  const isDamaged = error.code === 'CORRUPT' || error.code === 'FOREIGN';
  return new StoreError(
    isDamaged ? 'STORE_CORRUPT' : 'STORE_UNAVAILABLE',
    `the read models: ${error.code}`,
    { cause: error },
  );
}
