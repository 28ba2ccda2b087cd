import { parseEntry, type DecisionStatement } from '@countersign/binding';
import type { ActionRow, ContentRow, EntryRow } from '@countersign/store';
import type { Gateway } from './gateway-app.ts';

/** A decision that counted, with the entry that holds it. */
export interface DecisionFact {
  readonly row: EntryRow;
  readonly statement: DecisionStatement;
  /** Null once it was erased, and where it never came. */
  readonly rationale: { readonly text: string; readonly salt: string } | null;
}

const DECIDING: ReadonlySet<string> = new Set(['decision-accepted', 'binding-revoked']);
const LOOKS = 40;
const LOOK_MS = 25;

/** What persons have decided about an action and why, the revocation that stopped it included; oldest first. */
export async function decisionsOf(
  { deps }: Pick<Gateway, 'deps'>,
  action: ActionRow,
): Promise<DecisionFact[]> {
  const entries = await deps.models.entriesOf(action.tenant, action.actionId);
  const decided = entries
    .filter(({ type }) => DECIDING.has(type))
    .map((row) => ({ row, statement: statementIn(row.bytes) }));
  if (decided.length === 0) return [];
  const wanted = decided.map(({ statement }) => statement.rationale_digest);
  const found = await rationales(deps.models, action, wanted);
  return decided.map((fact) => ({
    ...fact,
    rationale: rationaleIn(found.get(fact.statement.rationale_digest)),
  }));
}

function statementIn(bytes: Uint8Array): DecisionStatement {
  const entry = parseEntry(bytes);
  if (entry.type === 'decision-accepted' || entry.type === 'binding-revoked') {
    return entry.statement;
  }
  throw new Error('invariant broken: a decision that is another entry');
}

/** Rationales travel beside the log, so they may come a moment after their entries. */
async function rationales(
  models: Gateway['deps']['models'],
  { tenant, actionId }: ActionRow,
  wanted: readonly string[],
): Promise<ReadonlyMap<string, ContentRow>> {
  for (let looksLeft = LOOKS; ; looksLeft -= 1) {
    const content = await models.content(tenant, actionId);
    const found = new Map(
      content.filter(({ kind }) => kind === 'rationale').map((row) => [row.digest, row]),
    );
    if (looksLeft === 0 || wanted.every((digest) => found.has(digest))) return found;
    if ((await models.action(tenant, actionId))?.erased === true) return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function rationaleIn(row: ContentRow | undefined): DecisionFact['rationale'] {
  return row === undefined || row.salt === null ? null : { text: row.text, salt: row.salt };
}
