import { readInbox, type Inbox } from '@countersign/console';
import { isUlid } from '@countersign/canonical';
import type { LedgerClient } from '@countersign/sdk';
import { cliError } from './cli-error.ts';
import { checkedHere } from './checked-review.ts';

const SHORT_ID = /^[0-9A-HJKMNP-TV-Z]{8,25}$/;

/** Those that expire first come first. @throws CliError */
export async function waitingRequests(client: LedgerClient): Promise<Inbox> {
  return checkedHere(() => readInbox(async (path) => ({ ...(await client.getObject(path)) })));
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
