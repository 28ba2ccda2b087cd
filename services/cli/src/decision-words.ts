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
    .map(({ person, verdict: said, rationale }) => {
      const reason = rationale === null || rationale === '' ? 'no reason' : quoted(rationale);
      return `${VERBS.get(said) ?? said} by ${person}: ${reason}`;
    });
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
