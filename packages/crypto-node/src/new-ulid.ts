import { randomBytes } from 'node:crypto';
import { makeUlid } from '@countersign/canonical';

const RANDOM_BYTES = 10;

/** @throws {CanonicalError} ULID_FORMAT for a time that no ULID can hold */
export function newUlid(nowMs: number): string {
  return makeUlid(nowMs, randomBytes(RANDOM_BYTES));
}
