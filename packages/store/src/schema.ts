/** "cSrm" as a number: what the file's header names as its application. */
export const APPLICATION_ID = 0x63_53_72_6d;

export const SCHEMA_VERSION = 1;

const TABLES = `
CREATE TABLE entries(
  idx INTEGER PRIMARY KEY, type TEXT NOT NULL, at TEXT NOT NULL, tenant TEXT NOT NULL,
  action_id TEXT, leaf TEXT NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE INDEX entries_by_action ON entries(tenant, action_id, idx) WHERE action_id IS NOT NULL;
CREATE INDEX entries_by_type ON entries(type, idx);
CREATE TABLE nodes(
  level INTEGER NOT NULL, idx INTEGER NOT NULL, hash BLOB NOT NULL,
  PRIMARY KEY(level, idx)) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoints(size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT;
CREATE TABLE inputs(digest TEXT PRIMARY KEY, idx INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE quarantined(digest TEXT PRIMARY KEY, code TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE actions(
  tenant TEXT NOT NULL, action_id TEXT NOT NULL, status TEXT NOT NULL, action_type TEXT,
  agent TEXT NOT NULL, executor TEXT, action_digest TEXT NOT NULL, display_digest TEXT,
  admission_index INTEGER, binding_index INTEGER, opened_at TEXT NOT NULL, decide_by TEXT,
  use_by TEXT, changed_at TEXT NOT NULL, last_index INTEGER NOT NULL, uses INTEGER NOT NULL,
  result TEXT, code TEXT, erased INTEGER NOT NULL,
  PRIMARY KEY(tenant, action_id)) STRICT, WITHOUT ROWID;
CREATE INDEX actions_by_status ON actions(tenant, status, action_id);
CREATE TABLE decisions(
  idx INTEGER PRIMARY KEY, leaf TEXT NOT NULL, tenant TEXT NOT NULL, action_id TEXT NOT NULL,
  person TEXT NOT NULL, credential TEXT NOT NULL, verdict TEXT NOT NULL, at TEXT NOT NULL) STRICT;
CREATE INDEX decisions_by_action ON decisions(tenant, action_id, idx);
CREATE TABLE members(
  kind TEXT NOT NULL, id TEXT NOT NULL, thumbprint TEXT, person TEXT, text TEXT NOT NULL,
  since_index INTEGER NOT NULL, PRIMARY KEY(kind, id)) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_thumbprint ON members(kind, thumbprint) WHERE thumbprint IS NOT NULL;
CREATE TABLE documents(digest TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE content(
  tenant TEXT NOT NULL, action_id TEXT NOT NULL, kind TEXT NOT NULL, digest TEXT NOT NULL,
  text TEXT NOT NULL, salt TEXT, PRIMARY KEY(tenant, action_id, kind, digest)) STRICT, WITHOUT ROWID;
CREATE TABLE erased(
  tenant TEXT NOT NULL, action_id TEXT NOT NULL, PRIMARY KEY(tenant, action_id)) STRICT, WITHOUT ROWID;
CREATE TABLE position(
  name TEXT PRIMARY KEY, next_offset INTEGER NOT NULL, size INTEGER NOT NULL, hashes BLOB NOT NULL,
  intake_offset INTEGER NOT NULL, epoch TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

export const SCHEMA: readonly string[] = [TABLES];

/**
 * Every table that follows from log and content, with an order that does not depend on when a row came.
 * Positions do not: they tell how far, and differ where empty records were read.
 */
export const DERIVED_TABLES = [
  ['entries', 'idx'],
  ['nodes', 'level, idx'],
  ['checkpoints', 'size'],
  ['inputs', 'digest'],
  ['quarantined', 'digest'],
  ['actions', 'tenant, action_id'],
  ['decisions', 'idx'],
  ['members', 'kind, id'],
  ['documents', 'digest'],
  ['content', 'tenant, action_id, kind, digest'],
  ['erased', 'tenant, action_id'],
] as const;
