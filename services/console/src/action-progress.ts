import type { Json } from '@countersign/canonical';
import { integerIn, listIn, objectOf, textIn, textOrNullIn } from './answer-json.ts';
import { getJson } from './api.ts';

export interface ProgressEntry {
  readonly index: number;
  readonly type: string;
  readonly at: string;
}

/** A decision, by the index of its entry. */
export interface ProgressDecision {
  readonly index: number;
  readonly person: string;
}

/** Where an action stands, as the server tells. */
export interface ActionProgress {
  readonly status: string;
  readonly uses: number;
  readonly useBy: string | null;
  readonly result: string | null;
  readonly lastIndex: number;
  readonly decisions: readonly ProgressDecision[];
  readonly entries: readonly ProgressEntry[];
}

/** @throws ConsoleError ANSWER_FORMAT */
export function parseActionProgress(json: Json): ActionProgress {
  const from = objectOf(json);
  return {
    status: textIn(from, 'status'),
    uses: integerIn(from, 'uses'),
    useBy: textOrNullIn(from, 'use_by'),
    result: textOrNullIn(from, 'result'),
    lastIndex: integerIn(from, 'last_index'),
    decisions: listIn(from, 'decisions').map((decision) => {
      const each = objectOf(decision);
      return { index: integerIn(each, 'index'), person: textIn(each, 'person') };
    }),
    entries: listIn(from, 'entries').map((entry) => {
      const each = objectOf(entry);
      return {
        index: integerIn(each, 'index'),
        type: textIn(each, 'type'),
        at: textIn(each, 'at'),
      };
    }),
  };
}

/**
 * The server calls an action used from its first use on; what may be used again can still be stopped. A change of the authority is
 * used by nobody: the ledger makes it with its approval, and an entry says so.
 */
export function standing(
  { status, uses, entries }: Pick<ActionProgress, 'status' | 'uses' | 'entries'>,
  maxUses: number,
): string {
  if (entries.some(({ type }) => type === 'authority-changed')) return 'changed';
  return status === 'used' && uses < maxUses ? 'used-in-part' : status;
}

const WAIT_MS = 25_000;

/** Asks at once without `since`, and otherwise waits for news. */
export async function actionProgress(actionId: string, since?: number): Promise<ActionProgress> {
  const query = since === undefined ? '' : `?wait_ms=${WAIT_MS}&since=${since}`;
  return parseActionProgress(await getJson(`/v1/actions/${actionId}${query}`));
}
