import { CliError } from './cli-error.ts';
import { decisionWords } from './decision-words.ts';
import type { ActionView, LedgerClient, Patience } from '@countersign/sdk';
import type { Narrator } from './narrator.ts';

/** How a request can end without a binding that may be used. */
const ENDS: ReadonlyMap<string, [code: string, words: string, verdict?: string]> = new Map([
  ['denied', ['DENIED', 'a person denied it', 'deny']],
  ['expired', ['EXPIRED', 'nobody decided in time']],
  ['revoked', ['REVOKED', 'a person took the approval back', 'revoke']],
  ['superseded', ['SUPERSEDED', 'another request took its place']],
  [
    'epoch-ended',
    ['EPOCH_ENDED', 'the ledger was frozen, which ends whatever was asked for before'],
  ],
]);

export interface Waiting {
  readonly narrator: Narrator;
  readonly nowMs: () => number;
  readonly patience: Patience;
}

/**
 * Waits until enough persons have approved, or until it is clear that they will not.
 *
 * @throws CliError DENIED, EXPIRED, REVOKED, SUPERSEDED, the code of a refusal; LEDGER_UNREACHABLE, INTERRUPTED
 */
export async function waitForApproval(
  client: LedgerClient,
  actionId: string,
  { narrator, nowMs, patience }: Waiting,
): Promise<ActionView> {
  const startedMs = nowMs();
  const patient = client.patient(patience);
  try {
    let view = await client.action(actionId);
    while (view.status === 'pending') {
      const waitedS = Math.round((nowMs() - startedMs) / 1_000);
      narrator.wait('waiting for a decision …', ` ${waitedS} s (Ctrl-C leaves it open)`);
      view = await patient.action(actionId, view.last_index);
    }
    assertApproved(view);
    return view;
  } finally {
    narrator.waited();
  }
}

function assertApproved(view: ActionView): void {
  const end = ENDS.get(view.status);
  if (end !== undefined) {
    const [code, words, verdict] = end;
    const told = verdict === undefined ? [] : decisionWords(view, verdict);
    throw new CliError(code, told.length === 0 ? words : told.join('; '));
  }
  if (view.status === 'refused') {
    throw new CliError(view.code ?? 'REQUEST_REFUSED', 'the ledger refused the request');
  }
}
