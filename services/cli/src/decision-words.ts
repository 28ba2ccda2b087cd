import { inPlaceWords, shownWords } from '@countersign/console';
import { decisionsOf, type ActionView } from '@countersign/sdk';

const VERBS: ReadonlyMap<string, string> = new Map([
  ['approve', 'approved'],
  ['deny', 'denied'],
  ['revoke', 'revoked'],
]);

/** Who decided, and why in their own words, as the ledger tells: one line each. */
export function decisionWords(view: ActionView, verdict?: string): string[] {
  return decisionsOf(view, verdict).map(
    ({ person, for: principal, verdict: said, rationale, claimed_dwell_ms: dwellMs }) =>
      `${VERBS.get(said) ?? said} by ${person}${inPlaceWords(principal)}${shownWords(dwellMs)}: ${reasonWords(rationale, view)}`,
  );
}

/** A reason that is gone is not the same as none: an auditor asks what became of it. */
function reasonWords(rationale: string | null, view: ActionView): string {
  if (rationale === '') return 'no reason';
  if (rationale !== null) return quoted(rationale);
  return view['erased'] === true ? 'reason erased' : 'reason not here';
}

/** The lines of others would look like ours. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
