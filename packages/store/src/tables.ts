/**
 * What the tables hold, for every store that keeps them in SQL: names, columns with their types ('?': may be null),
 * keys and indexes. Text is ordered by its bytes.
 */
export const TABLES = {
  entries: {
    columns: {
      idx: 'integer',
      type: 'text',
      at: 'text',
      tenant: 'text',
      action_id: 'text?',
      leaf: 'text',
      bytes: 'bytes',
    },
    key: ['idx'],
    indexes: {
      entries_by_action: { on: ['tenant', 'action_id', 'idx'], where: 'action_id' },
      entries_by_type: { on: ['type', 'idx'] },
      entries_by_leaf: { on: ['leaf', 'idx'] },
    },
  },
  nodes: {
    columns: { level: 'integer', idx: 'integer', hash: 'bytes' },
    key: ['level', 'idx'],
    indexes: {},
  },
  checkpoints: { columns: { size: 'integer', note: 'text' }, key: ['size'], indexes: {} },
  inputs: { columns: { digest: 'text', idx: 'integer' }, key: ['digest'], indexes: {} },
  quarantined: { columns: { digest: 'text', code: 'text' }, key: ['digest'], indexes: {} },
  actions: {
    columns: {
      tenant: 'text',
      action_id: 'text',
      status: 'text',
      action_type: 'text?',
      agent: 'text',
      executor: 'text?',
      action_digest: 'text',
      display_digest: 'text?',
      admission_index: 'integer?',
      binding_index: 'integer?',
      opened_at: 'text',
      decide_by: 'text?',
      use_by: 'text?',
      changed_at: 'text',
      last_index: 'integer',
      uses: 'integer',
      result: 'text?',
      code: 'text?',
      erased: 'integer',
    },
    key: ['tenant', 'action_id'],
    indexes: {
      actions_by_status: { on: ['tenant', 'status', 'action_id'] },
      actions_by_binding: { on: ['tenant', 'binding_index'], where: 'binding_index' },
    },
  },
  decisions: {
    columns: {
      idx: 'integer',
      leaf: 'text',
      tenant: 'text',
      action_id: 'text',
      person: 'text',
      credential: 'text',
      verdict: 'text',
      at: 'text',
    },
    key: ['idx'],
    indexes: {
      decisions_by_action: { on: ['tenant', 'action_id', 'idx'] },
      decisions_by_person: { on: ['tenant', 'person', 'action_id'] },
    },
  },
  decided: {
    columns: {
      idx: 'integer',
      tenant: 'text',
      person: 'text',
      verdict: 'text',
      at: 'text',
      admission: 'text',
      prompts_1h: 'integer?',
      decisions_1h: 'integer?',
    },
    key: ['idx'],
    indexes: {},
  },
  uses: {
    columns: {
      idx: 'integer',
      tenant: 'text',
      action_id: 'text',
      use_id: 'text',
      short_id: 'text',
      at: 'text',
    },
    key: ['idx'],
    indexes: { uses_by_short_id: { on: ['tenant', 'short_id', 'idx'] } },
  },
  members: {
    columns: {
      kind: 'text',
      id: 'text',
      thumbprint: 'text?',
      person: 'text?',
      text: 'text',
      since_index: 'integer',
    },
    key: ['kind', 'id'],
    indexes: { members_by_thumbprint: { on: ['kind', 'thumbprint'], where: 'thumbprint' } },
  },
  former_members: {
    columns: {
      kind: 'text',
      id: 'text',
      person: 'text?',
      text: 'text',
      removed_index: 'integer',
      removed_at: 'text',
    },
    key: ['kind', 'removed_index', 'id'],
    indexes: {},
  },
  documents: { columns: { digest: 'text', text: 'text' }, key: ['digest'], indexes: {} },
  content: {
    columns: {
      tenant: 'text',
      action_id: 'text',
      kind: 'text',
      digest: 'text',
      text: 'text',
      salt: 'text?',
    },
    key: ['tenant', 'action_id', 'kind', 'digest'],
    indexes: {},
  },
  erased: {
    columns: { tenant: 'text', action_id: 'text' },
    key: ['tenant', 'action_id'],
    indexes: {},
  },
  cosigned: { columns: { size: 'integer', note: 'text' }, key: ['size'], indexes: {} },
  position: {
    columns: {
      name: 'text',
      next_offset: 'integer',
      size: 'integer',
      hashes: 'bytes',
      intake_offset: 'integer',
      epoch: 'text',
    },
    key: ['name'],
    indexes: {},
  },
} as const;

export type TableName = keyof typeof TABLES;

export type ColumnType = 'integer' | 'text' | 'bytes' | 'integer?' | 'text?';

interface ValueOfType {
  readonly integer: number;
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly 'integer?': number | null;
  readonly 'text?': string | null;
}

/** Rows as SQL has them. */
export type Tables = {
  readonly [T in TableName]: RowOf<(typeof TABLES)[T]['columns']>;
};

type RowOf<Columns extends Record<string, ColumnType>> = {
  readonly [C in keyof Columns]: ValueOfType[Columns[C]];
};

export type TableIndex = { readonly on: readonly string[]; readonly where?: string };

export interface TableShape {
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly key: readonly string[];
  /** By name; one with `where` holds only rows in which that column is not null. */
  readonly indexes: Readonly<Record<string, TableIndex>>;
}

/** Without the types of its columns, for whoever goes through all tables. */
export function shapeOf(table: TableName): TableShape {
  return TABLES[table];
}

export function columnsOf(table: TableName): string[] {
  return Object.keys(TABLES[table].columns);
}

export const TABLE_NAMES = Object.keys(TABLES) as readonly TableName[];

/** Tables that read models of layout version 1 do not have. */
export const TABLES_SINCE_2: readonly TableName[] = [
  'uses',
  'cosigned',
  'decided',
  'former_members',
];

/** Positions that go back to the beginning when the read models are built again; those of the router do not. */
export const DERIVED_POSITIONS = ['log', 'content', 'quarantine'] as const;

/**
 * Tables that are emptied for a rebuild. What witnesses have signed stays: nothing in the log says it, and they sign
 * only the newest head again.
 */
export const CLEARED_TABLES: readonly TableName[] = TABLE_NAMES.filter(
  (name) => name !== 'cosigned',
);

/**
 * Every table that follows from log and content. Positions do not: they tell how far, and differ where empty
 * records were read.
 */
export const DERIVED_TABLES: readonly TableName[] = CLEARED_TABLES.filter(
  (name) => name !== 'position',
);
