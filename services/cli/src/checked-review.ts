import {
  checkDecisions,
  checkReview,
  ConsoleError,
  parseReview,
  policyChange,
  type CheckedDecision,
  type CheckedReview,
  type PolicyChange,
} from '@countersign/console';
import type { JsonObject } from '@countersign/canonical';
import { CliError } from './cli-error.ts';
import type { PersonAccess } from './person-access.ts';

/** As much of a person's access as it takes. */
interface ReviewAccess extends Pick<PersonAccess, 'tenant' | 'pin'> {
  readonly client: Pick<PersonAccess['client'], 'getObject'>;
}

export interface ReviewHere {
  readonly checked: CheckedReview;
  readonly decisions: readonly CheckedDecision[];
  readonly status: string;
}

/**
 * What is asked for, computed from the action's bytes and compared with the entry of the log under the pinned keys, as
 * the console does it. What the server shows instead is never shown.
 *
 * @throws CliError with the code of the check that failed, and the ledger's own
 */
export async function reviewHere(
  actionId: string,
  { client, tenant, pin }: ReviewAccess,
): Promise<ReviewHere> {
  const answer = await client.getObject(`/v1/actions/${actionId}/review`);
  return checkedHere(async () => {
    const review = parseReview({ ...answer });
    const checked = await checkReview(review, { actionId, tenant, pin });
    const decisions = await checkDecisions(review.decisions, checked, pin);
    return { checked, decisions, status: review.status };
  });
}

/** What a request for another policy would change; undefined of any other request. @throws CliError as reviewHere */
export async function policyChangeOf(
  checked: CheckedReview,
  { client, tenant, pin }: ReviewAccess,
): Promise<PolicyChange | undefined> {
  const get = async (path: string): Promise<JsonObject> => ({ ...(await client.getObject(path)) });
  return checkedHere(async () => policyChange(checked, { pin, tenant, get }));
}

/** Runs a check that the console makes, too; its codes are those of a terminal. */
export async function checkedHere<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof ConsoleError)) throw error;
    const code = error.code === 'ANSWER_FORMAT' ? 'ANSWER_INVALID' : error.code;
    throw new CliError(code, error.message, { cause: error, hint: 'do not decide' });
  }
}
