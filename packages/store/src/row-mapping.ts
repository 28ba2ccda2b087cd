import { Buffer } from 'node:buffer';
import {
  ACTION_STATUSES,
  VERDICTS,
  type ActionRow,
  type ActionStatus,
  type AskedRow,
  type ContentRow,
  type DecisionRow,
  type EntryRow,
  type FormerMemberRow,
  type InputOutcome,
  type LogPosition,
  type MemberRow,
  type NodeRow,
  type UseRow,
} from './read-models.ts';
import { StoreError } from './store-error.ts';

const HASH_BYTES = 32;

/** A row as a driver gives it: it is looked at before anything is believed of it. */
export type SqlRow = Readonly<Record<string, null | number | string | Uint8Array>>;

export function entryRow(row: SqlRow): EntryRow {
  return {
    index: numberIn(row, 'idx'),
    type: textIn(row, 'type'),
    at: textIn(row, 'at'),
    tenant: textIn(row, 'tenant'),
    actionId: textOrNull(row, 'action_id'),
    leaf: textIn(row, 'leaf'),
    bytes: bytesIn(row, 'bytes'),
  };
}

export function actionRow(row: SqlRow): ActionRow {
  return {
    tenant: textIn(row, 'tenant'),
    actionId: textIn(row, 'action_id'),
    status: statusIn(row),
    actionType: textOrNull(row, 'action_type'),
    agent: textIn(row, 'agent'),
    executor: textOrNull(row, 'executor'),
    actionDigest: textIn(row, 'action_digest'),
    displayDigest: textOrNull(row, 'display_digest'),
    admissionIndex: numberOrNull(row, 'admission_index'),
    bindingIndex: numberOrNull(row, 'binding_index'),
    openedAt: textIn(row, 'opened_at'),
    decideBy: textOrNull(row, 'decide_by'),
    useBy: textOrNull(row, 'use_by'),
    changedAt: textIn(row, 'changed_at'),
    lastIndex: numberIn(row, 'last_index'),
    uses: numberIn(row, 'uses'),
    result: textOrNull(row, 'result'),
    code: textOrNull(row, 'code'),
    erased: numberIn(row, 'erased') === 1,
  };
}

export function decisionRow(row: SqlRow): DecisionRow {
  return {
    index: numberIn(row, 'idx'),
    leaf: textIn(row, 'leaf'),
    tenant: textIn(row, 'tenant'),
    actionId: textIn(row, 'action_id'),
    person: textIn(row, 'person'),
    credential: textIn(row, 'credential'),
    verdict: textIn(row, 'verdict'),
    at: textIn(row, 'at'),
  };
}

export function askedRow(row: SqlRow): AskedRow {
  return {
    index: numberIn(row, 'idx'),
    tenant: textIn(row, 'tenant'),
    person: textIn(row, 'person'),
    verdict: verdictIn(row),
    at: textIn(row, 'at'),
    admission: textIn(row, 'admission'),
    load: loadIn(row),
    askedAt: textIn(row, 'asked_at'),
  };
}

export function useRow(row: SqlRow): UseRow {
  return {
    index: numberIn(row, 'idx'),
    tenant: textIn(row, 'tenant'),
    actionId: textIn(row, 'action_id'),
    useId: textIn(row, 'use_id'),
    shortId: textIn(row, 'short_id'),
    at: textIn(row, 'at'),
  };
}

export function memberRow(row: SqlRow): MemberRow {
  return {
    kind: textIn(row, 'kind'),
    id: textIn(row, 'id'),
    thumbprint: textOrNull(row, 'thumbprint'),
    person: textOrNull(row, 'person'),
    text: textIn(row, 'text'),
    sinceIndex: numberIn(row, 'since_index'),
  };
}

export function formerMemberRow(row: SqlRow): FormerMemberRow {
  return {
    kind: textIn(row, 'kind'),
    id: textIn(row, 'id'),
    person: textOrNull(row, 'person'),
    text: textIn(row, 'text'),
    removedIndex: numberIn(row, 'removed_index'),
    removedAt: textIn(row, 'removed_at'),
  };
}

export function contentRow(row: SqlRow): ContentRow {
  const kind = textIn(row, 'kind');
  if (kind !== 'action' && kind !== 'rationale') throw malformed('kind');
  return {
    tenant: textIn(row, 'tenant'),
    actionId: textIn(row, 'action_id'),
    kind,
    digest: textIn(row, 'digest'),
    text: textIn(row, 'text'),
    salt: textOrNull(row, 'salt'),
  };
}

export function nodeRow(row: SqlRow): NodeRow {
  return {
    level: numberIn(row, 'level'),
    index: numberIn(row, 'idx'),
    hash: bytesIn(row, 'hash'),
  };
}

export function leafNode(row: SqlRow): NodeRow {
  const hex = textIn(row, 'leaf').slice('sha256:'.length);
  return { level: 0, index: numberIn(row, 'idx'), hash: new Uint8Array(Buffer.from(hex, 'hex')) };
}

export function logPosition(row: SqlRow): LogPosition {
  const packed = bytesIn(row, 'hashes');
  const hashes = Array.from({ length: packed.length / HASH_BYTES }, (_, at) =>
    packed.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  );
  return {
    nextOffset: numberIn(row, 'next_offset'),
    size: numberIn(row, 'size'),
    hashes,
    intakeOffset: numberIn(row, 'intake_offset'),
    epoch: textIn(row, 'epoch'),
  };
}

export function inputOutcome(row: SqlRow): InputOutcome {
  return row['idx'] === null
    ? { kind: 'quarantined', code: textIn(row, 'code') }
    : { kind: 'entry', index: numberIn(row, 'idx') };
}

export function textIn(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw malformed(column);
  return value;
}

export function numberIn(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw malformed(column);
  return value;
}

function textOrNull(row: SqlRow, column: string): string | null {
  return row[column] === null ? null : textIn(row, column);
}

function numberOrNull(row: SqlRow, column: string): number | null {
  return row[column] === null ? null : numberIn(row, column);
}

function bytesIn(row: SqlRow, column: string): Uint8Array {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw malformed(column);
  return value;
}

function loadIn(row: SqlRow): AskedRow['load'] {
  if (row['prompts_1h'] === null) return null;
  return {
    prompts_1h: numberIn(row, 'prompts_1h'),
    decisions_1h: numberIn(row, 'decisions_1h'),
  };
}

function verdictIn(row: SqlRow): AskedRow['verdict'] {
  const value = textIn(row, 'verdict');
  const verdict = VERDICTS.find((known) => known === value);
  if (verdict === undefined) throw malformed('verdict');
  return verdict;
}

function statusIn(row: SqlRow): ActionStatus {
  const value = textIn(row, 'status');
  const status = ACTION_STATUSES.find((known) => known === value);
  if (status === undefined) throw malformed('status');
  return status;
}

function malformed(column: string): StoreError {
  return new StoreError('STORE_CORRUPT', `column ${column}: expected another type`);
}
