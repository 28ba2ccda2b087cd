import { SdkError, type ActionView, type LedgerClient } from '@countersign/sdk';

/** How a request can end without a binding that may be used. */
const ENDS: ReadonlyMap<string, readonly [code: string, words: string]> = new Map([
  ['denied', ['DENIED', 'a person denied it']],
  ['expired', ['EXPIRED', 'nobody decided in time']],
  ['revoked', ['REVOKED', 'a person took the approval back']],
  ['superseded', ['SUPERSEDED', 'another request took its place']],
]);

/** @throws SdkError DENIED, EXPIRED, REVOKED, SUPERSEDED, the code of a refusal, LEDGER_UNREACHABLE, INTERRUPTED */
export async function awaitApproval(client: LedgerClient, actionId: string): Promise<void> {
  let view: ActionView = await client.action(actionId);
  while (view.status === 'pending') view = await client.action(actionId, view.last_index);
  const [code, words] = ENDS.get(view.status) ?? [];
  if (code !== undefined) throw new SdkError(code, words ?? '');
  if (view.status !== 'refused') return;
  throw new SdkError(view.code ?? 'REQUEST_REFUSED', 'the ledger refused the request');
}
