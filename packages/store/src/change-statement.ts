import type { SqlValue, Statement } from '@countersign/sqlite';
import type { ActionRow, LogPosition, RowChange, SideTopic } from './read-models.ts';

const HASH_BYTES = 32;

type ChangeOf<K extends RowChange['change']> = Extract<RowChange, { change: K }>;

type Statements = {
  readonly [K in RowChange['change']]: (change: ChangeOf<K>) => readonly Statement[];
};

const STATEMENTS: Statements = {
  entry: ({ row }) => {
    const { index, type, at, tenant, actionId, leaf, bytes } = row;
    return [insert('entries', [index, type, at, tenant, actionId, leaf, bytes])];
  },
  node: ({ row }) => [insert('nodes', [row.level, row.index, row.hash])],
  checkpoint: ({ size, note }) => [insert('checkpoints', [size, note])],
  input: ({ digest, index }) => [insert('inputs', [digest, index])],
  'action-opened': ({ row }) => [openAction(row)],
  'action-moved': (change) => [moveAction(change)],
  decision: ({ row }) => {
    const { index, leaf, tenant, actionId, person, credential, verdict, at } = row;
    return [insert('decisions', [index, leaf, tenant, actionId, person, credential, verdict, at])];
  },
  'member-set': ({ row }) => {
    const { kind, id, thumbprint, person, text, sinceIndex } = row;
    return [replace('members', [kind, id, thumbprint, person, text, sinceIndex])];
  },
  'member-removed': ({ kind, id }) => [
    { sql: 'DELETE FROM members WHERE kind = ? AND id = ?', params: [kind, id] },
  ],
  document: ({ digest, text }) => [insert('documents', [digest, text])],
  content: ({ row }) => [contentUnlessErased(row)],
  'content-erased': ({ tenant, actionId }) => eraseContent(tenant, actionId),
  quarantined: ({ digest, code }) => [insert('quarantined', [digest, code])],
};

/** What is already there stays: applying changes twice changes nothing. */
export function statementsOf(changes: readonly RowChange[]): Statement[] {
  const touches = new Map<string, Touch>();
  const statements: Statement[] = [];
  for (const change of changes) {
    statements.push(...statementsOfOne(change));
    noteTouch(touches, change);
  }
  // The newest entry about an action is what it was touched by; a move of its own says so already.
  for (const each of touches.values()) if (!each.isMoved) statements.push(touch(each));
  return statements;
}

function noteTouch(touches: Map<string, Touch>, change: RowChange): void {
  if (change.change === 'entry') {
    const { tenant, actionId, index, at } = change.row;
    if (actionId === null) return;
    const key = `${tenant}/${actionId}`;
    const isMoved = touches.get(key)?.index === index;
    if (!isMoved) touches.set(key, { tenant, actionId, index, at, isMoved });
  } else if (change.change === 'action-moved') {
    const { tenant, actionId, index, at } = change;
    touches.set(`${tenant}/${actionId}`, { tenant, actionId, index, at, isMoved: true });
  }
}

function statementsOfOne<K extends RowChange['change']>(
  change: ChangeOf<K> & { readonly change: K },
): readonly Statement[] {
  return STATEMENTS[change.change](change);
}

export function logPositionStatement(position: LogPosition): Statement {
  const hashes = new Uint8Array(position.hashes.length * HASH_BYTES);
  for (const [at, hash] of position.hashes.entries()) hashes.set(hash, at * HASH_BYTES);
  const { nextOffset, size, intakeOffset, epoch } = position;
  return replace('position', ['log', nextOffset, size, hashes, intakeOffset, epoch]);
}

export function sidePositionStatement(topic: SideTopic, nextOffset: number): Statement {
  return replace('position', [topic, nextOffset, 0, new Uint8Array(), 0, '']);
}

type Verb = 'INSERT OR IGNORE' | 'INSERT OR REPLACE';

/** Texts of SQL, by verb and table. */
const TEXTS = new Map<string, string>();

function insert(table: string, params: readonly SqlValue[]): Statement {
  return { sql: intoText('INSERT OR IGNORE', table, params.length), params };
}

function replace(table: string, params: readonly SqlValue[]): Statement {
  return { sql: intoText('INSERT OR REPLACE', table, params.length), params };
}

function intoText(verb: Verb, table: string, columns: number): string {
  const start = `${verb} INTO ${table}`;
  const known = TEXTS.get(start);
  if (known !== undefined) return known;
  const text = `${start} VALUES(${marks(columns)})`;
  TEXTS.set(start, text);
  return text;
}

function marks(count: number): string {
  return Array.from({ length: count }, () => '?').join(',');
}

interface Touch {
  readonly tenant: string;
  readonly actionId: string;
  readonly index: number;
  readonly at: string;
  readonly isMoved: boolean;
}

function touch({ tenant, actionId, index, at }: Touch): Statement {
  return {
    sql: 'UPDATE actions SET changed_at = ?, last_index = ? WHERE tenant = ? AND action_id = ? AND last_index < ?',
    params: [at, index, tenant, actionId, index],
  };
}

/** An action that was only refused so far may still be admitted; an admitted one is never opened again. */
function openAction(row: ActionRow): Statement {
  return {
    sql: `INSERT INTO actions VALUES(${marks(19)}) ON CONFLICT(tenant, action_id) DO UPDATE SET
      status = excluded.status, action_type = excluded.action_type, agent = excluded.agent,
      executor = excluded.executor, action_digest = excluded.action_digest,
      display_digest = excluded.display_digest, admission_index = excluded.admission_index,
      decide_by = excluded.decide_by, changed_at = excluded.changed_at,
      last_index = excluded.last_index, code = excluded.code
      WHERE actions.admission_index IS NULL AND excluded.admission_index IS NOT NULL`,
    params: [
      ...[row.tenant, row.actionId, row.status, row.actionType, row.agent, row.executor],
      ...[row.actionDigest, row.displayDigest, row.admissionIndex, row.bindingIndex],
      ...[row.openedAt, row.decideBy, row.useBy, row.changedAt, row.lastIndex, row.uses],
      ...[row.result, row.code, row.erased ? 1 : 0],
    ],
  };
}

function moveAction(change: Extract<RowChange, { change: 'action-moved' }>): Statement {
  const { status, bindingIndex, useBy, uses, result } = change.to;
  return {
    sql: `UPDATE actions SET status = coalesce(?, status), binding_index = coalesce(?, binding_index),
      use_by = coalesce(?, use_by), uses = coalesce(?, uses), result = coalesce(?, result),
      changed_at = ?, last_index = ? WHERE tenant = ? AND action_id = ? AND last_index <= ?`,
    params: [
      ...[status ?? null, bindingIndex ?? null, useBy ?? null, uses ?? null, result ?? null],
      ...[change.at, change.index, change.tenant, change.actionId, change.index],
    ],
  };
}

/** Content comes on a topic of its own, and may come after the entry that erases it. */
function contentUnlessErased(row: Extract<RowChange, { change: 'content' }>['row']): Statement {
  const { tenant, actionId, kind, digest, text, salt } = row;
  return {
    sql: `INSERT OR IGNORE INTO content SELECT ?,?,?,?,?,?
      WHERE NOT EXISTS (SELECT 1 FROM erased WHERE tenant = ? AND action_id = ?)`,
    params: [tenant, actionId, kind, digest, text, salt, tenant, actionId],
  };
}

function eraseContent(tenant: string, actionId: string): Statement[] {
  const params = [tenant, actionId];
  return [
    insert('erased', params),
    { sql: 'DELETE FROM content WHERE tenant = ? AND action_id = ?', params },
    { sql: 'UPDATE actions SET erased = 1 WHERE tenant = ? AND action_id = ?', params },
  ];
}
