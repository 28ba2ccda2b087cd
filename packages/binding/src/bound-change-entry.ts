import { CanonicalError, parseCanonical, utf8, valueAt, type Json } from '@countersign/canonical';
import { parseAuthorityChange, type AuthorityChange } from './authority-change.ts';
import { BindingError } from './binding-error.ts';
import { parseEntry } from './entry.ts';

/** How the canonical bytes of each `authority-changed` entry end, and of no other: `type` and `v` are its last members. */
const ENDING = utf8('"type":"authority-changed","v":"countersign.entry.v1"}');

/**
 * The change of the authority that an entry carries out, if it is one that persons have bound. Cheap for every entry but those that
 * change the authority, so that whoever follows a log can ask it of each. Bytes that are no entry change nothing.
 */
export function boundChangeIn(bytes: Uint8Array): AuthorityChange | undefined {
  const end = bytes.subarray(-ENDING.length);
  if (end.length < ENDING.length || ENDING.some((byte, at) => byte !== end[at])) return undefined;
  try {
    const entry = parseEntry(bytes);
    if (entry.type !== 'authority-changed' || entry.change.change !== 'bound') return undefined;
    return parseAuthorityChange(effectIn(entry.change.action));
  } catch (error) {
    if (error instanceof BindingError || error instanceof CanonicalError) return undefined;
    throw error;
  }
}

/** The `change` of an authority action; null when it has none. */
function effectIn(actionText: string): Json {
  return valueAt(parseCanonical(utf8(actionText)), '/params/change') ?? null;
}
