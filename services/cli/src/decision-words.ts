import type { ActionView } from './ledger-client.ts';

interface SeenDecision {
  readonly person: string;
  readonly verdict: string;
  readonly rationale: string | null;
}

const VERBS: ReadonlyMap<string, string> = new Map([
  ['approve', 'approved'],
  ['deny', 'denied'],
  ['revoke', 'revoked'],
]);

/** Who decided, and why in their own words, as the ledger tells: one line each. */
export function decisionWords(view: ActionView, verdict?: string): string[] {
  return decisionsIn(view)
    .filter((decision) => verdict === undefined || decision.verdict === verdict)
    .map(
      ({ person, verdict: said, rationale }) =>
        `${VERBS.get(said) ?? said} by ${person}: ${reasonWords(rationale, view)}`,
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

function decisionsIn(view: ActionView): SeenDecision[] {
  const listed: unknown = view['decisions'];
  return Array.isArray(listed) ? listed.filter(isDecision) : [];
}

function isDecision(json: unknown): json is SeenDecision {
  const { person, verdict, rationale } = Object(json) as Partial<Record<string, unknown>>;
  return (
    [person, verdict].every((member) => typeof member === 'string') &&
    (rationale === null || typeof rationale === 'string')
  );
}
