import {
  isJsonArray,
  isJsonObject,
  parseStrict,
  utf8,
  type Digest,
  type Json,
} from '@countersign/canonical';
import {
  BindingError,
  leafOf,
  parseEntry,
  type Entry,
  type EntryOf,
  type EntryType,
} from '@countersign/binding';
import { closedObject, member, refusedAt, textOf, type JsonPlace } from './closed-json.ts';
import { VerifyError } from './verify-error.ts';

/** An entry of the log as its exact text, so that what is hashed is what was received. */
export interface EntryText<E> {
  readonly text: string;
  readonly entry: E;
  readonly leaf: Digest;
}

export interface LoggedEntry<E> extends EntryText<E> {
  /** Not yet verified. */
  readonly receipt: string;
}

/** Reads `{entry, receipt}`. @throws VerifyError as readEntry */
export function loggedEntry<T extends EntryType>(
  place: JsonPlace,
  type: T,
): LoggedEntry<EntryOf<T>> {
  closedObject(place, ['entry', 'receipt']);
  const receipt = textOf(member(place, 'receipt'));
  return { ...readEntry(member(place, 'entry'), type), receipt };
}

/**
 * Reads the exact text of an entry of one type.
 *
 * @throws VerifyError `EVIDENCE_FORMAT`; `TYPE_CONFUSION` for one of another type; `NO_HUMAN_PROOF` and `ASSERTION_INVALID` for a binding that lacks a proof
 * or has a malformed one
 */
export function readEntry<T extends EntryType>(place: JsonPlace, type: T): EntryText<EntryOf<T>> {
  const text = textOf(place);
  const bytes = utf8(text);
  const entry = parsed(place, bytes, type);
  if (!isOfType(entry, type)) throw confused(place, type);
  return { text, entry, leaf: leafOf(bytes) };
}

function isOfType<T extends EntryType>(entry: Entry, type: T): entry is EntryOf<T> {
  return entry.type === type;
}

/** Bytes that say of themselves that they are something else: attack row B14. */
function confused(place: JsonPlace, type: EntryType): VerifyError {
  return new VerifyError('TYPE_CONFUSION', `${place.path}: expected an entry of type ${type}`);
}

function parsed(place: JsonPlace, bytes: Uint8Array, type: EntryType): Entry {
  try {
    return parseEntry(bytes);
  } catch (error) {
    if (!(error instanceof BindingError)) throw error;
    if (error.code === 'TYPE_CONFUSION' && !saysType(parseStrict(bytes), type)) {
      throw confused(place, type);
    }
    const isAboutProof = error.code === 'SCHEMA_INVALID' || error.code === 'ASSERTION_INVALID';
    if (isAboutProof && lacksProof(parseStrict(bytes))) {
      throw new VerifyError('NO_HUMAN_PROOF', `${place.path}: expected a proof of each person`);
    }
    if (error.code === 'ASSERTION_INVALID') {
      throw new VerifyError(error.code, `${place.path}: ${error.message}`, { cause: error });
    }
    throw refusedAt(place, `an entry (${error.message})`);
  }
}

function saysType(json: Json, type: EntryType): boolean {
  return isJsonObject(json) && json['type'] === type;
}

/** A binding that names persons, or none, without what they signed: nobody's key can stand in for them. */
function lacksProof(json: Json): boolean {
  if (!isJsonObject(json) || json['type'] !== 'binding-made') return false;
  const decisions = json['decisions'];
  if (!isJsonArray(decisions) || decisions.length === 0) return true;
  return decisions.some((decision) => !isJsonObject(decision) || !isJsonObject(decision['proof']));
}
