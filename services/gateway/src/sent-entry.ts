import type { EntryRow } from '@countersign/store';
import type { LoggedEntry } from './gateway-error.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** A stored entry as it is sent: text, because those are the bytes that are hashed. */
export function sentEntry({ index, leaf, type, bytes }: EntryRow): LoggedEntry {
  return { index, leaf, type, text: UTF8.decode(bytes) };
}
