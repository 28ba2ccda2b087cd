import type { Digest } from '@countersign/canonical';
import type { Action, Chosen } from '@countersign/descriptors';
import type { Facts } from '@countersign/verify';
import type { VerifiedAction } from './run-result.ts';
import type { GrantedUse } from './use-claim.ts';

/**
 * @param action whose digest was compared with the evidence, which is what makes its parameters the approved ones; of a batch,
 * the item that was proven to be one of it, while the digest is of the whole.
 */
export function verifiedAction(
  action: Action,
  facts: Facts,
  use: GrantedUse & { readonly chosen: Chosen | undefined; readonly actionDigest: Digest },
): VerifiedAction {
  const { useId, shortId, startBy, chosen, actionDigest } = use;
  const { tenant, action_id: actionId, type, type_version: typeVersion, params } = action.envelope;
  return Object.freeze({
    tenant,
    actionId,
    actionDigest,
    type,
    typeVersion,
    // No name of a bound is that of a param: descriptor-and-display.md §2.1.
    params: chosen === undefined ? params : Object.freeze({ ...params, ...chosen }),
    approvals: facts.approvals,
    useId,
    shortId,
    idempotencyKey: `countersign-${useId}`,
    startBy,
  });
}
