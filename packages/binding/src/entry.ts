import { fromHex, toHex, type JsonLimits } from '@countersign/canonical';
import { hashLeaf } from '@countersign/tlog';
import { BindingError } from './binding-error.ts';
import {
  bindingMade,
  bindingRevoked,
  decisionAccepted,
  decisionRefused,
  type BindingMade,
  type BindingRevoked,
  type DecisionAccepted,
  type DecisionRefused,
} from './decision-entry.ts';
import type { Leaf } from './field-shape.ts';
import { bytesOf, parseCanonicalObject } from './json-bytes.ts';
import {
  authorityChanged,
  contentErased,
  findingRaised,
  ledgerFounded,
  stateCommitted,
  type AuthorityChanged,
  type ContentErased,
  type FindingRaised,
  type LedgerFounded,
  type StateCommitted,
} from './ledger-entry.ts';
import {
  requestAdmitted,
  requestDenied,
  requestExpired,
  requestRefused,
  type RequestAdmitted,
  type RequestDenied,
  type RequestExpired,
  type RequestRefused,
} from './request-entry.ts';
import { variant, type Shape } from './shape.ts';
import {
  bindingUsed,
  executionReported,
  useRefused,
  type BindingUsed,
  type ExecutionReported,
  type UseRefused,
} from './use-entry.ts';

/** One leaf of the log: schemas/formats/entries.md §4. */
export type Entry =
  | LedgerFounded
  | AuthorityChanged
  | RequestAdmitted
  | RequestRefused
  | RequestDenied
  | RequestExpired
  | DecisionAccepted
  | DecisionRefused
  | BindingMade
  | BindingRevoked
  | BindingUsed
  | UseRefused
  | ExecutionReported
  | ContentErased
  | StateCommitted
  | FindingRaised;

export type EntryType = Entry['type'];
export type EntryOf<T extends EntryType> = Extract<Entry, { type: T }>;

export const ENTRY_BYTES_MAX = 65_535;

const ENTRY_LIMITS: JsonLimits = { maxBytes: ENTRY_BYTES_MAX, maxDepth: 12, maxMembers: 10_000 };

const shapes: { readonly [T in EntryType]: Shape<EntryOf<T>> } = {
  'ledger-founded': ledgerFounded,
  'authority-changed': authorityChanged,
  'request-admitted': requestAdmitted,
  'request-refused': requestRefused,
  'request-denied': requestDenied,
  'request-expired': requestExpired,
  'decision-accepted': decisionAccepted,
  'decision-refused': decisionRefused,
  'binding-made': bindingMade,
  'binding-revoked': bindingRevoked,
  'binding-used': bindingUsed,
  'use-refused': useRefused,
  'execution-reported': executionReported,
  'content-erased': contentErased,
  'state-committed': stateCommitted,
  'finding-raised': findingRaised,
};

const entry: Shape<Entry> = variant<Entry>('type', shapes);

/** @throws BindingError LIMIT_EXCEEDED above 65,535 bytes */
export function encodeEntry(value: Entry): Uint8Array {
  const bytes = bytesOf(value);
  if (bytes.length > ENTRY_BYTES_MAX) {
    throw new BindingError(
      'LIMIT_EXCEEDED',
      `${value.type}: expected at most ${ENTRY_BYTES_MAX} bytes, got ${bytes.length}`,
    );
  }
  return bytes;
}

/**
 * Reads an entry: canonical, closed, of a known type.
 *
 * @throws BindingError NOT_CANONICAL, LIMIT_EXCEEDED, TYPE_CONFUSION, UNKNOWN_MEMBER, SCHEMA_INVALID,
 * ASSERTION_INVALID for a malformed proof, and the codes of the gate
 */
export function parseEntry(bytes: Uint8Array): Entry {
  return entry(parseCanonicalObject(bytes, ENTRY_LIMITS), 'entry');
}

/** The leaf hash of an entry, as entries and receipts cite it. */
export function leafOf(bytes: Uint8Array): Leaf {
  return `sha256:${toHex(hashLeaf(bytes))}`;
}

/** The 32 bytes of a leaf or another digest, as the tree wants them. */
export function leafHash(leaf: Leaf): Uint8Array {
  return fromHex(leaf.slice('sha256:'.length));
}
