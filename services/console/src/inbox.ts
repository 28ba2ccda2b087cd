import type { Json } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { listIn, objectOf, textIn, textOrNullIn } from './answer-json.ts';

/** An open request, as the server lists it. What it asks for is computed from its own bytes: see request-row.ts. */
export interface OpenRequest {
  readonly actionId: string;
  readonly title: string;
  readonly agent: string;
  readonly openedAt: string;
  readonly decideBy: string;
}

const TITLES: ReadonlyMap<string, string> = new Map(
  BUILTIN_DESCRIPTORS.map(({ type, title }) => [type, title]),
);

export interface Inbox {
  /** The most urgent first. */
  readonly requests: readonly OpenRequest[];
  /** Whether there are more than these. */
  readonly isCut: boolean;
}

const PAGE_ROWS = 200;
const PAGES_MAX = 5;

/**
 * All open requests, up to a thousand: one agent can have two hundred of them, behind which an older one of another agent would
 * not be on the first page (attack row H07).
 *
 * @throws ConsoleError ANSWER_FORMAT, and what `get` throws
 */
export async function readInbox(get: (path: string) => Promise<Json>): Promise<Inbox> {
  const pages: Inbox[] = [];
  let cursor: string | null = '';
  while (cursor !== null && pages.length < PAGES_MAX) {
    const from: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const json = await get(`/v1/inbox?limit=${PAGE_ROWS}${from}`);
    pages.push(parseInbox(json));
    cursor = textOrNullIn(objectOf(json), 'cursor');
  }
  // A request that is opened meanwhile moves the others: one can stand on two pages.
  const requests = new Map(
    pages.flatMap((page) => page.requests).map((each) => [each.actionId, each]),
  );
  return { requests: [...requests.values()].sort(byUrgency), isCut: cursor !== null };
}

function byUrgency(a: OpenRequest, b: OpenRequest): number {
  return a.decideBy < b.decideBy ? -1 : Number(a.decideBy > b.decideBy);
}

/** @throws ConsoleError ANSWER_FORMAT */
export function parseInbox(json: Json): Inbox {
  const from = objectOf(json);
  const requests = listIn(from, 'actions').map(openRequest).sort(byUrgency);
  return { requests, isCut: textOrNullIn(from, 'cursor') !== null };
}

function openRequest(json: Json): OpenRequest {
  const from = objectOf(json);
  const type = textOrNullIn(from, 'type') ?? '';
  return {
    actionId: textIn(from, 'action_id'),
    title: TITLES.get(type) ?? type,
    agent: textIn(from, 'agent'),
    openedAt: textIn(from, 'opened_at'),
    decideBy: textOrNullIn(from, 'decide_by') ?? '',
  };
}
