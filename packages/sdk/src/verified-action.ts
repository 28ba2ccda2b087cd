import type { Action, Chosen } from '@countersign/descriptors';
import type { Facts } from '@countersign/verify';
import type { VerifiedAction } from './run-result.ts';
import type { GrantedUse } from './use-claim.ts';

/** @param action whose digest was compared with the evidence, which is what makes its parameters the approved ones. */
export function verifiedAction(
  action: Action,
  facts: Facts,
  { useId, shortId, startBy, chosen }: GrantedUse & { readonly chosen: Chosen | undefined },
): VerifiedAction {
  const { tenant, action_id: actionId, type, type_version: typeVersion, params } = action.envelope;
  return Object.freeze({
    tenant,
    actionId,
    actionDigest: action.digest,
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
