import { createHash } from 'node:crypto';

/** No key of the port holds it. */
const SEPARATOR = '\0';

/**
 * A compacting topic keeps the last record of each key, and everything readable about one action has one key. So there each
 * record goes by its key and the digest of its value: what was written twice is one, and nothing else is lost.
 */
export function contentWireKey(key: string, value: Uint8Array): string {
  return `${key}${SEPARATOR}${createHash('sha256').update(value).digest('base64url')}`;
}

export function keyInWireKey(wireKey: string): string {
  const at = wireKey.indexOf(SEPARATOR);
  return at < 0 ? wireKey : wireKey.slice(0, at);
}
