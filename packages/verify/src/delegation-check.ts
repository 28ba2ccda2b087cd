import { grantDigest, type AuthorityState } from '@countersign/binding';
import type { Action } from '@countersign/descriptors';
import { sameJson } from './same-json.ts';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

/** That an action has the chain that its admission says, and what its rule wants: schemas/formats/delegation.md §5. */
export async function checkDelegation(
  action: Action | undefined,
  authority: AuthorityState,
  run: Verification,
): Promise<void> {
  const { evidence, log, delegationCheck } = run;
  const { delegation: links, requirement } = evidence.admission.entry;
  const isNeeded = requirement.delegation !== undefined;
  const tokens = action?.envelope.delegation;
  if (!isNeeded && links === undefined && tokens === undefined) return;
  log.begin('delegation');
  const named = links?.map(({ digest }) => digest);
  const isSame = action === undefined || sameJson(tokens?.map(grantDigest) ?? null, named ?? null);
  if (!isSame || (isNeeded && links === undefined)) {
    throw new VerifyError('DELEGATION_INVALID', 'expected the chain of the action');
  }
  if (action === undefined || delegationCheck === undefined) {
    log.skip(action ? 'this verifier does not check its tokens' : 'content erased');
    return;
  }
  await delegationCheck(action, authority, run);
  log.ok(`${links?.length ?? 0} links, by issuers of the authority`);
}
