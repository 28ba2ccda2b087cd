import {
  applyChange,
  applyEnrolment,
  authorityFromGenesis,
  parseAuthorityChange,
  type AuthorityChange,
  type AuthorityChanged,
  type AuthorityState,
  type Entry,
} from '@countersign/binding';
import { isJsonObject, parseStrict, timestampMs, utf8 } from '@countersign/canonical';
import { LedgerError } from '@countersign/log-reader';

/**
 * The authority after an entry that founds or changes it; the same authority after any other.
 *
 * @throws LedgerError LOG_CORRUPT when the change does not lead to the root that the entry names
 */
export function authorityAfter(
  before: AuthorityState | undefined,
  entry: Entry,
): AuthorityState | undefined {
  if (entry.type === 'ledger-founded') return authorityFromGenesis(entry);
  if (entry.type !== 'authority-changed') return before;
  if (before === undefined) throw new LedgerError('LOG_CORRUPT', 'a change before the founding');
  const after = changed(before, entry);
  if (after.root !== entry.authority_root) {
    throw new LedgerError('LOG_CORRUPT', 'authority: expected the root that the entry names');
  }
  return after;
}

function changed(before: AuthorityState, entry: AuthorityChanged): AuthorityState {
  const atMs = timestampMs(entry.at);
  return entry.change.change === 'credential-enrolled'
    ? applyEnrolment(before, entry.change.statement, atMs)
    : applyChange(before, changeOf(entry.change.action), atMs);
}

/** Which action a canonical text is. */
export function idOfAction(actionText: string): string | null {
  const id = memberOf(parseStrict(utf8(actionText)), 'action_id');
  return typeof id === 'string' ? id : null;
}

/** What an authority action does, out of its canonical text. */
export function changeOf(actionText: string): AuthorityChange {
  const params = memberOf(parseStrict(utf8(actionText)), 'params');
  const change = memberOf(params, 'change');
  if (change === undefined) throw new LedgerError('LOG_CORRUPT', 'action: expected a change');
  return parseAuthorityChange(change);
}

type Value = ReturnType<typeof parseStrict>;

function memberOf(value: Value | undefined, name: string): Value | undefined {
  if (!isJsonObject(value)) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
