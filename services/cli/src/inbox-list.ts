import { parseInbox, type OpenRequest } from '@countersign/console';
import { isUlid } from '@countersign/canonical';
import type { LedgerClient } from '@countersign/sdk';
import { cliError } from './cli-error.ts';
import { checkedHere } from './checked-review.ts';

const INBOX_MAX = 50;
const SHORT_ID = /^[0-9A-HJKMNP-TV-Z]{8,25}$/;

export interface Waiting {
  /** Those that expire first come first. */
  readonly requests: readonly OpenRequest[];
  readonly isCut: boolean;
}

/** @throws CliError */
export async function waitingRequests(client: LedgerClient): Promise<Waiting> {
  const answer = await client.getObject(`/v1/inbox?limit=${INBOX_MAX}`);
  return checkedHere(() => Promise.resolve(parseInbox({ ...answer })));
}

/**
 * The action that a person means: by its id, or by the end of it as the inbox shows it.
 *
 * @throws CliError USAGE for what names none, or more than one
 */
export async function actionMeant(text: string, client: LedgerClient): Promise<string> {
  if (isUlid(text)) return text;
  const end = text.replace(/^…/, '');
  if (!SHORT_ID.test(end)) {
    throw cliError('USAGE', 'id: expected the id of an action, or its last 8 characters');
  }
  const { requests } = await waitingRequests(client);
  const [meant, ...others] = requests.filter(({ actionId }) => actionId.endsWith(end));
  if (meant === undefined || others.length > 0) {
    throw cliError('USAGE', `id: expected the end of one open request, got ${end}`);
  }
  return meant.actionId;
}
