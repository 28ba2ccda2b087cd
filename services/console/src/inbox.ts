import type { Json } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { listIn, objectOf, textIn, textOrNullIn } from './answer-json.ts';

/** An open request, as the server lists it. What it really asks for is on its own page only. */
export interface OpenRequest {
  readonly actionId: string;
  readonly title: string;
  readonly agent: string;
  readonly decideBy: string;
}

const TITLES: ReadonlyMap<string, string> = new Map(
  BUILTIN_DESCRIPTORS.map(({ type, title }) => [type, title]),
);

/** The most urgent first. @throws ConsoleError ANSWER_FORMAT */
export function parseInbox(json: Json): readonly OpenRequest[] {
  return listIn(objectOf(json), 'actions')
    .map(openRequest)
    .sort((a, b) => (a.decideBy < b.decideBy ? -1 : Number(a.decideBy > b.decideBy)));
}

function openRequest(json: Json): OpenRequest {
  const from = objectOf(json);
  const type = textOrNullIn(from, 'type') ?? '';
  return {
    actionId: textIn(from, 'action_id'),
    title: TITLES.get(type) ?? type,
    agent: textIn(from, 'agent'),
    decideBy: textOrNullIn(from, 'decide_by') ?? '',
  };
}
