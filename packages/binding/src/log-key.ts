import { parseVerifierKey, TlogError, type NoteVerifier } from '@countersign/tlog';
import type { AuthorityState } from './authority.ts';
import type { LogKeyMember } from './authority-member.ts';
import { BindingError } from './binding-error.ts';
import { vkey } from './field-shape.ts';
import { invalid, matching, object, oneOf, type Shape } from './shape.ts';

export interface LogKeyAdded {
  readonly kind: 'log-key-added';
  readonly vkey: string;
}

export interface LogKeyRemoved {
  readonly kind: 'log-key-removed';
  /** Key id, 8 hex digits. */
  readonly id: string;
}

/** Each signs every head, so that every one of them costs a signature a batch. */
const LOG_KEYS_MAX = 4;

export const logKeyAdded: Shape<LogKeyAdded> = object<LogKeyAdded>({
  kind: oneOf('log-key-added'),
  vkey,
});

export const logKeyRemoved: Shape<LogKeyRemoved> = object<LogKeyRemoved>({
  kind: oneOf('log-key-removed'),
  id: matching(/^[0-9a-f]{8}$/, 'a key id of 8 hex digits'),
});

/** @throws BindingError SCHEMA_INVALID */
export function logKeyMember(vkey: string): LogKeyMember {
  return { kind: 'log-key', id: verifierKey(vkey).keyIdHex, vkey };
}

function verifierKey(vkey: string): NoteVerifier {
  try {
    return parseVerifierKey(vkey);
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw new BindingError('SCHEMA_INVALID', 'log key: expected a verifier key', { cause: error });
  }
}

/**
 * The authority with another key of the log.
 *
 * @throws BindingError SCHEMA_INVALID, MEMBER_EXISTS, LIMIT_EXCEEDED
 */
export function withLogKey(state: AuthorityState, { vkey }: LogKeyAdded): AuthorityState {
  const { name, type } = verifierKey(vkey);
  if (name !== state.ledger.origin) throw invalid('change/vkey', 'a key named after the origin');
  if (type === 4) throw invalid('change/vkey', "a log's key, not a witness's");
  const member = logKeyMember(vkey);
  // One that was removed never comes back: for a reader it ended at one size, and whoever took it then has it still.
  if (state.has('log-key', member.id) || state.isRetiredLogKey(member.id)) {
    throw new BindingError('MEMBER_EXISTS', 'change: expected a key that never was one of the log');
  }
  if (state.ofKind('log-key').length >= LOG_KEYS_MAX) {
    throw new BindingError('LIMIT_EXCEEDED', `change: expected at most ${LOG_KEYS_MAX} log keys`);
  }
  return state.with(member);
}

/** @throws BindingError MEMBER_UNKNOWN, WOULD_LOCK_OUT */
export function withoutLogKey(state: AuthorityState, { id }: LogKeyRemoved): AuthorityState {
  const member = state.get('log-key', id);
  if (member === undefined) {
    throw new BindingError('MEMBER_UNKNOWN', 'change: expected a log key with this id');
  }
  // Nobody could sign the head that holds this change, nor any after it.
  if (state.ofKind('log-key').length === 1) {
    throw new BindingError('WOULD_LOCK_OUT', 'change: expected another key of the log to be left');
  }
  return state.retire(member);
}
