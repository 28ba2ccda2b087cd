import type { Json, JsonObject } from '@countersign/canonical';
import type { LedgerClient } from '@countersign/sdk';
import { cliError } from '../cli-error.ts';

/** So many are listed where nothing else is said. */
export const ROWS = 50;
const PAGE_MAX = 200;
const LIMIT_MAX = 1_000_000;

/** @throws CliError ANSWER_INVALID, READ_SCOPE for whoever may not read all of the tenant, … */
export async function* listedRows(
  client: LedgerClient,
  from: { readonly path: string; readonly rows: string; readonly limit: number },
): AsyncGenerator<JsonObject> {
  let left = from.limit;
  let cursor: Json | undefined;
  do {
    const next = typeof cursor === 'string' ? `&cursor=${encodeURIComponent(cursor)}` : '';
    const page = await client.getObject(`${from.path}&limit=${Math.min(left, PAGE_MAX)}${next}`);
    const rows = page[from.rows];
    if (!Array.isArray(rows)) throw cliError('ANSWER_INVALID', `expected ${from.rows}`);
    for (const row of rows as readonly JsonObject[]) yield row;
    left -= rows.length;
    cursor = page['cursor'];
  } while (typeof cursor === 'string' && left > 0);
}

/** All that `query` names, as `persons?` does. @throws CliError as listedRows */
export async function* listedMembers(
  client: LedgerClient,
  query: string,
): AsyncGenerator<JsonObject> {
  const from = { path: `/v1/${query}`, rows: 'members', limit: LIMIT_MAX };
  for await (const { member } of listedRows(client, from)) yield member as JsonObject;
}

export function parseRows(text: string): number {
  const limit = Number(text);
  if (/^[0-9]{1,7}$/.test(text) && limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw cliError('USAGE', `--limit: expected a number from 1 to ${LIMIT_MAX}`);
}
