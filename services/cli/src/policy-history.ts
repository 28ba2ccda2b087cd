import {
  enrolledPersons,
  isAuthorityType,
  type EntryOf,
  type LedgerState,
  type PolicySubject,
} from '@countersign/binding';
import { utf8 } from '@countersign/canonical';
import { parseAction } from '@countersign/descriptors';
import type { LedgerClient } from '@countersign/sdk';
import { CliError } from './cli-error.ts';
import { ledgerState } from './ledger-replay.ts';
import type { CaseDeciders } from './policy-case.ts';

/** A request that was really made, as a policy is asked about it. */
export interface PastRequest {
  readonly subject: PolicySubject;
  readonly deciders: CaseDeciders;
}

export interface PastRequests {
  readonly requests: readonly PastRequest[];
  /** Whose content was erased, or whose agent or type is there no more: nothing can be asked about them. */
  readonly left: number;
}

/**
 * The last requests of a ledger that were admitted, oldest first, with the persons who are enrolled now.
 *
 * @throws CliError as logEntries
 */
export async function pastRequests(client: LedgerClient, last: number): Promise<PastRequests> {
  const admitted: EntryOf<'request-admitted'>[] = [];
  const state = await ledgerState(client, (entry) => {
    if (entry.type === 'request-admitted' && !isAuthorityType(entry.action_type.name)) {
      admitted.push(entry);
    }
  });
  const enrolled = enrolledPersons(state.authority);
  const requests: PastRequest[] = [];
  const asked = admitted.slice(-last);
  for (const entry of asked) {
    const subject = await subjectOf(entry, { client, state });
    const excluded = entry.excluded.map(({ person }) => person);
    if (subject !== undefined) requests.push({ subject, deciders: { enrolled, excluded } });
  }
  return { requests, left: asked.length - requests.length };
}

async function subjectOf(
  entry: EntryOf<'request-admitted'>,
  { client, state }: { readonly client: LedgerClient; readonly state: LedgerState },
): Promise<PolicySubject | undefined> {
  const agent = state.authority.get('agent', entry.agent.id);
  const descriptor = state.descriptors.get(entry.descriptor_digest);
  const text = await actionText(client, entry.action_id);
  if (agent === undefined || descriptor === undefined || text === undefined) return undefined;
  const action = parseAction(utf8(text));
  if (action.digest !== entry.action_digest) return undefined;
  const { recent } = entry;
  return { action, descriptor, agent, ...(recent !== undefined && { recent }) };
}

async function actionText(client: LedgerClient, id: string): Promise<string | undefined> {
  try {
    const { action } = await client.getObject(`/v1/actions/${id}/review`);
    return typeof action === 'string' ? action : undefined;
  } catch (error) {
    if (error instanceof CliError && error.code === 'CONTENT_ERASED') return undefined;
    throw error;
  }
}
