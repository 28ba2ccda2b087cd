import { Buffer } from 'node:buffer';
import type { SqlRow } from './row-mapping.ts';

/** Each value with its type and length before it, so that no two rows give the same bytes. */
export function dumpBytes(row: SqlRow): Uint8Array {
  const parts: Buffer[] = [];
  for (const name of Object.keys(row).sort()) {
    const value = row[name] ?? null;
    const bytes =
      value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value), 'utf8');
    const type = value === null ? 'n' : value instanceof Uint8Array ? 'b' : typeof value;
    parts.push(Buffer.from(`${name} ${type} ${bytes.length}\n`), bytes);
  }
  return Buffer.concat(parts);
}
