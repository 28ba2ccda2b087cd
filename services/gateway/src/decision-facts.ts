import { parseEntry, type DecisionStatement } from '@countersign/binding';
import type { ActionRow, ContentRow, EntryRow } from '@countersign/store';
import { arrivingContent } from './arriving-content.ts';
import type { Gateway } from './gateway-app.ts';

/** A decision that counted, with the entry that holds it. */
export interface DecisionFact {
  readonly row: EntryRow;
  readonly statement: DecisionStatement;
  /** In whose place. */
  readonly principal: string | undefined;
  /** Null once it was erased, and where it never came. */
  readonly rationale: { readonly text: string; readonly salt: string } | null;
}

const DECIDING: ReadonlySet<string> = new Set(['decision-accepted', 'binding-revoked']);

/** What persons have decided about an action and why, the revocation that stopped it included; oldest first. */
export async function decisionsOf(
  { deps }: Pick<Gateway, 'deps'>,
  action: Pick<ActionRow, 'tenant' | 'actionId'>,
): Promise<DecisionFact[]> {
  const entries = await deps.models.entriesOf(action.tenant, action.actionId);
  const decided = entries
    .filter(({ type }) => DECIDING.has(type))
    .map((row) => ({ row, ...decisionIn(row.bytes) }));
  if (decided.length === 0) return [];
  const wanted = decided.map(({ statement }) => statement.rationale_digest);
  const found = await rationales(deps.models, action, wanted);
  return decided.map((fact) => ({
    ...fact,
    rationale: rationaleIn(found.get(fact.statement.rationale_digest)),
  }));
}

function decisionIn(bytes: Uint8Array): Pick<DecisionFact, 'statement' | 'principal'> {
  const entry = parseEntry(bytes);
  if (entry.type === 'decision-accepted') {
    return { statement: entry.statement, principal: entry.for };
  }
  if (entry.type === 'binding-revoked') {
    return { statement: entry.statement, principal: undefined };
  }
  throw new Error('invariant broken: a decision that is another entry');
}

/** By their digests. */
async function rationales(
  models: Gateway['deps']['models'],
  action: Pick<ActionRow, 'tenant' | 'actionId'>,
  wanted: readonly string[],
): Promise<ReadonlyMap<string, ContentRow>> {
  const content = await arrivingContent(models, action, (rows) => {
    const found = rationalesIn(rows);
    return wanted.every((digest) => found.has(digest));
  });
  return rationalesIn(content);
}

function rationalesIn(content: readonly ContentRow[]): ReadonlyMap<string, ContentRow> {
  return new Map(
    content.filter(({ kind }) => kind === 'rationale').map((row) => [row.digest, row]),
  );
}

function rationaleIn(row: ContentRow | undefined): DecisionFact['rationale'] {
  return row === undefined || row.salt === null ? null : { text: row.text, salt: row.salt };
}
