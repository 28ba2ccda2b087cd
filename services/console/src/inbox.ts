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

/** @throws ConsoleError ANSWER_FORMAT */
export function parseInbox(json: Json): Inbox {
  const from = objectOf(json);
  const requests = listIn(from, 'actions')
    .map(openRequest)
    .sort((a, b) => (a.decideBy < b.decideBy ? -1 : Number(a.decideBy > b.decideBy)));
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
