import { createHash, createHmac } from 'node:crypto';
import { utf8 } from '@countersign/canonical';
import type { HeldKey } from '@countersign/sdk';

const MESSAGE: Uint8Array = utf8('countersign/finding-salt/v1\n');

/**
 * Salts that follow from a key and from what they hide, so that a finding is the same bytes each time it is found. Ed25519
 * gives one signature for one message, and nobody without the key can make this one: it is never sent anywhere.
 */
export function findingSalts(key: HeldKey): (value: Uint8Array) => Uint8Array {
  const secret = createHash('sha256').update(key.sign(MESSAGE)).digest();
  return (value) => createHmac('sha256', secret).update(value).digest();
}
