import { createHash } from 'node:crypto';

/** RFC 6962 §2.1 word for word, over another SHA-256: what the tree is measured against. */
export function recursiveRoot(leafHashes: readonly Uint8Array[]): Uint8Array {
  const [first] = leafHashes;
  if (first === undefined) return new Uint8Array(createHash('sha256').digest());
  if (leafHashes.length === 1) return first;
  let split = 1;
  while (split * 2 < leafHashes.length) split *= 2;
  const hash = createHash('sha256').update(Uint8Array.of(1));
  hash.update(recursiveRoot(leafHashes.slice(0, split)));
  hash.update(recursiveRoot(leafHashes.slice(split)));
  return new Uint8Array(hash.digest());
}
