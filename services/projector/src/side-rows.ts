import type { StoredRecord } from '@countersign/broker';
import { CanonicalError, fromUtf8, isDigest, parseStrict, type Json } from '@countersign/canonical';
import type { ContentRow, RowChange } from '@countersign/store';
import { WireError, decodeContent, decodeQuarantined, type Content } from '@countersign/wire';

const REPEATED = /^REPEATED\/(\d{1,15})$/;
const NUL = '\u0000';
/** Ids, codes and salts. */
const SHORT_CHARS_MAX = 256;
const BODY_LIMITS = { maxBytes: 131_072, maxDepth: 40, maxMembers: 10_000 };

/** What a record of a side topic changes. One that is none changes nothing. */
export function sideRows(topic: 'content' | 'quarantine', record: StoredRecord): RowChange[] {
  const { value } = record;
  if (value === null) return [];
  try {
    const rows = topic === 'content' ? contentRows(decodeContent(value)) : quarantineRows(value);
    return rows.filter(isStorable);
  } catch (error) {
    if (error instanceof WireError || error instanceof CanonicalError) return [];
    throw error;
  }
}

/** What no ledger has written there is passed over: not every store takes every text. */
function isStorable(row: RowChange): boolean {
  if (row.change === 'content') {
    const { tenant, actionId, digest, text, salt } = row.row;
    return isDigest(digest) && [tenant, actionId, salt ?? ''].every(isShort) && !text.includes(NUL);
  }
  if (row.change === 'quarantined') return isDigest(row.digest) && isShort(row.code);
  return row.change !== 'input' || isDigest(row.digest);
}

function isShort(text: string): boolean {
  return text.length <= SHORT_CHARS_MAX && !text.includes(NUL);
}

function contentRows({ tenant, actionId, kind, digest, body }: Content): RowChange[] {
  const row: ContentRow =
    kind === 'ACTION'
      ? { tenant, actionId, kind: 'action', digest, text: fromUtf8(body), salt: null }
      : { tenant, actionId, kind: 'rationale', digest, ...salted(parseStrict(body, BODY_LIMITS)) };
  return [{ change: 'content', row }];
}

function salted(body: Json): { readonly text: string; readonly salt: string | null } {
  const members = new Map(Object.entries(Object(body) as Record<string, Json>));
  const text = members.get('value');
  const salt = members.get('salt');
  return {
    text: typeof text === 'string' ? text : '',
    salt: typeof salt === 'string' ? salt : null,
  };
}

function quarantineRows(value: Uint8Array): RowChange[] {
  const { inputDigest: digest, reason } = decodeQuarantined(value);
  // Other bytes for what was asked before: the entry that answered it answers these too.
  const index = REPEATED.exec(reason)?.[1];
  return index === undefined
    ? [{ change: 'quarantined', digest, code: reason }]
    : [{ change: 'input', digest, index: Number(index) }];
}
