import type { Digest, JsonObject } from '@countersign/canonical';
import type { InputAnswer } from './input-answer.ts';
import type { LedgerClient, OnArrival } from './ledger-client.ts';
import { orderedAction } from './ordered-action.ts';
import { isUnanswered } from './run-report.ts';
import { SdkError } from './sdk-error.ts';
import { signedFrame, type SigningKey } from './signing-key.ts';

export interface BindingOrder {
  /** Of the agent whose id and thumbprint stand in the action. */
  readonly key: SigningKey;
  /** A whole envelope, as `draftAction` makes one: keep it until the request has ended, to ask again with the same. */
  readonly action: Uint8Array | JsonObject;
  /** Keeps what proves that the request has arrived, before its answer is waited for: schemas/formats/arrival-promise.md. */
  readonly onArrival?: OnArrival;
}

export type BindingRequested =
  | {
      readonly status: 'requested';
      readonly actionId: string;
      readonly actionDigest: Digest;
      /** Where a person decides. */
      readonly pageUrl: string;
      /** The admission, or what the same action was answered before, with its receipt. */
      readonly answer: InputAnswer;
    }
  | {
      readonly status: 'refused';
      readonly actionId: string;
      /** The ledger's: AGENT_UNKNOWN, NO_POLICY, REQUEST_ID_REUSED, SCHEMA_INVALID, … */
      readonly code: string;
      readonly detail: string;
      /** The refusal, with its receipt, where it is an entry. */
      readonly answer?: InputAnswer;
    };

/**
 * Signs an action and asks for a binding of it. Safe to repeat, also after a crash or LEDGER_UNREACHABLE: the same action
 * is the same request, whose id is in it, and is answered as before.
 *
 * @throws SdkError LEDGER_UNREACHABLE, ANSWER_INVALID, INTERRUPTED: it may have arrived; the codes of a malformed action
 */
export async function requestBinding(
  ledger: Pick<LedgerClient, 'submit' | 'url'>,
  order: BindingOrder,
): Promise<BindingRequested> {
  const { bytes, digest, envelope } = orderedAction(order);
  const actionId = envelope.action_id;
  const frame = await signedFrame('request', bytes, order.key);
  try {
    const answer = await ledger.submit('requests', frame, order.onArrival);
    const pageUrl = `${ledger.url}/action/${actionId}`;
    return { status: 'requested', actionId, actionDigest: digest, pageUrl, answer };
  } catch (error) {
    if (!(error instanceof SdkError) || isUnanswered(error)) throw error;
    const { code, message: detail, answer } = error;
    return { status: 'refused', actionId, code, detail, ...(answer !== undefined && { answer }) };
  }
}
