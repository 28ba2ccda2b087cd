import type { ActionRow, ChangeSet, LogPosition, RowChange, SideTopic } from './read-models.ts';
import type { Tables } from './tables.ts';

const HASH_BYTES = 32;

/** Tables whose rows never change: what is already there stays. */
export type FixedTable =
  | 'entries'
  | 'nodes'
  | 'checkpoints'
  | 'cosigned'
  | 'inputs'
  | 'quarantined'
  | 'decided'
  | 'decisions'
  | 'documents'
  | 'former_members'
  | 'uses';

type Move = {
  readonly tenant: string;
  readonly action_id: string;
  /** Null for what stays. */
  readonly status: string | null;
  readonly binding_index: number | null;
  readonly use_by: string | null;
  readonly uses: number | null;
  readonly result: string | null;
  readonly changed_at: string;
  readonly last_index: number;
};

/** What an admission says of an action that was only refused before. */
export const REOPENED_COLUMNS = [
  'status',
  'action_type',
  'agent',
  'executor',
  'action_digest',
  'display_digest',
  'admission_index',
  'decide_by',
  'changed_at',
  'last_index',
  'code',
] as const;

type ActionKey = Tables['erased'];

export type FixedWrite = {
  readonly [T in FixedTable]: {
    readonly write: 'insert';
    readonly table: T;
    readonly row: Tables[T];
  };
}[FixedTable];

/** What a change does to the tables, in the values of SQL and in no dialect of it. */
export type RowWrite =
  | FixedWrite
  | { readonly write: 'member-set'; readonly row: Tables['members'] }
  | {
      readonly write: 'member-removed';
      readonly row: { readonly kind: string; readonly id: string };
    }
  /** One that was only refused so far may still be admitted; an admitted one is never opened again. */
  | { readonly write: 'action-opened'; readonly row: Tables['actions'] }
  /** Never backwards: unless it holds a later index. */
  | { readonly write: 'action-moved'; readonly row: Move }
  /** Content comes on a topic of its own, and may come after the entry that erases it: then it is not taken. */
  | { readonly write: 'content'; readonly row: Tables['content'] }
  | { readonly write: 'content-erased'; readonly row: ActionKey };

type ChangeOf<K extends RowChange['change']> = Extract<RowChange, { change: K }>;

const WRITES: { readonly [K in RowChange['change']]: (change: ChangeOf<K>) => RowWrite } = {
  entry: ({ row: { index, type, at, tenant, actionId, leaf, bytes } }) => ({
    write: 'insert',
    table: 'entries',
    row: { idx: index, type, at, tenant, action_id: actionId, leaf, bytes },
  }),
  node: ({ row: { level, index, hash } }) => ({
    write: 'insert',
    table: 'nodes',
    row: { level, idx: index, hash },
  }),
  checkpoint: ({ size, note }) => ({ write: 'insert', table: 'checkpoints', row: { size, note } }),
  cosigned: ({ size, note }) => ({ write: 'insert', table: 'cosigned', row: { size, note } }),
  input: ({ digest, index }) => ({ write: 'insert', table: 'inputs', row: { digest, idx: index } }),
  'action-opened': ({ row }) => ({ write: 'action-opened', row: actionValues(row) }),
  'action-moved': ({ tenant, actionId, index, at, to }) => ({
    write: 'action-moved',
    row: {
      tenant,
      action_id: actionId,
      status: to.status ?? null,
      binding_index: to.bindingIndex ?? null,
      use_by: to.useBy ?? null,
      uses: to.uses ?? null,
      result: to.result ?? null,
      changed_at: at,
      last_index: index,
    },
  }),
  decision: ({ row: { index, leaf, tenant, actionId, person, credential, verdict, at } }) => ({
    write: 'insert',
    table: 'decisions',
    row: { idx: index, leaf, tenant, action_id: actionId, person, credential, verdict, at },
  }),
  decided: ({ row: { index, load, ...row } }) => ({
    write: 'insert',
    table: 'decided',
    row: {
      idx: index,
      ...row,
      prompts_1h: load?.prompts_1h ?? null,
      decisions_1h: load?.decisions_1h ?? null,
    },
  }),
  use: ({ row: { index, tenant, actionId, useId, shortId, at } }) => ({
    write: 'insert',
    table: 'uses',
    row: { idx: index, tenant, action_id: actionId, use_id: useId, short_id: shortId, at },
  }),
  'member-set': ({ row: { kind, id, thumbprint, person, text, sinceIndex } }) => ({
    write: 'member-set',
    row: { kind, id, thumbprint, person, text, since_index: sinceIndex },
  }),
  'member-removed': ({ kind, id }) => ({ write: 'member-removed', row: { kind, id } }),
  'former-member': ({ row: { kind, id, person, text, removedIndex, removedAt } }) => ({
    write: 'insert',
    table: 'former_members',
    row: { kind, id, person, text, removed_index: removedIndex, removed_at: removedAt },
  }),
  document: ({ digest, text }) => ({ write: 'insert', table: 'documents', row: { digest, text } }),
  content: ({ row: { tenant, actionId, kind, digest, text, salt } }) => ({
    write: 'content',
    row: { tenant, action_id: actionId, kind, digest, text, salt },
  }),
  'content-erased': ({ tenant, actionId }) => ({
    write: 'content-erased',
    row: { tenant, action_id: actionId },
  }),
  quarantined: ({ digest, code }) => ({
    write: 'insert',
    table: 'quarantined',
    row: { digest, code },
  }),
};

/** In their order. Applying them twice changes nothing. */
export function writesOf(changes: readonly RowChange[]): RowWrite[] {
  const touches = new Map<string, Touch>();
  const writes: RowWrite[] = [];
  for (const change of changes) {
    writes.push(writeOf(change));
    noteTouch(touches, change);
  }
  // The newest entry about an action is what it was touched by; a move of its own says so already.
  for (const each of touches.values()) if (!each.isMoved) writes.push(touch(each));
  return writes;
}

function writeOf<K extends RowChange['change']>(
  change: ChangeOf<K> & { readonly change: K },
): RowWrite {
  return WRITES[change.change](change);
}

interface Touch {
  readonly tenant: string;
  readonly actionId: string;
  readonly index: number;
  readonly at: string;
  readonly isMoved: boolean;
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

/** A move that changes nothing but when. */
function touch({ tenant, actionId, index, at }: Touch): RowWrite {
  return writeOf({ change: 'action-moved', tenant, actionId, index, at, to: {} });
}

function actionValues(row: ActionRow): Tables['actions'] {
  return {
    tenant: row.tenant,
    action_id: row.actionId,
    status: row.status,
    action_type: row.actionType,
    agent: row.agent,
    executor: row.executor,
    action_digest: row.actionDigest,
    display_digest: row.displayDigest,
    admission_index: row.admissionIndex,
    binding_index: row.bindingIndex,
    opened_at: row.openedAt,
    decide_by: row.decideBy,
    use_by: row.useBy,
    changed_at: row.changedAt,
    last_index: row.lastIndex,
    uses: row.uses,
    result: row.result,
    code: row.code,
    erased: row.erased ? 1 : 0,
  };
}

/** Where a store must stand, and what row says where it stands then. */
export interface PositionWrite {
  readonly from: number;
  readonly row: Tables['position'];
}

export function positionWritesOf({ log, side = [] }: ChangeSet): PositionWrite[] {
  const writes = side.map(({ topic, from, to }) => ({ from, row: sideValues(topic, to) }));
  return log === undefined ? writes : [{ from: log.from, row: logValues(log.to) }, ...writes];
}

function logValues({ nextOffset, size, hashes, intakeOffset, epoch }: LogPosition): PositionRow {
  const packed = new Uint8Array(hashes.length * HASH_BYTES);
  for (const [at, hash] of hashes.entries()) packed.set(hash, at * HASH_BYTES);
  return {
    ...{ name: 'log', next_offset: nextOffset, size, hashes: packed },
    ...{ intake_offset: intakeOffset, epoch },
  };
}

function sideValues(topic: SideTopic, nextOffset: number): PositionRow {
  return {
    ...{ name: topic, next_offset: nextOffset, size: 0, hashes: new Uint8Array() },
    ...{ intake_offset: 0, epoch: '' },
  };
}

type PositionRow = Tables['position'];
