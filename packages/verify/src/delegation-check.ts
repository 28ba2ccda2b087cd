import { grantDigest, type AuthorityState } from '@countersign/binding';
import type { Action } from '@countersign/descriptors';
import type { Evidence } from './evidence.ts';
import { sameJson } from './same-json.ts';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

type Admission = Evidence['admission']['entry'];

/** That an action has the chain that its admission says, and what its rule wants: schemas/formats/delegation.md §5. */
export async function checkDelegation(
  action: Action | undefined,
  authority: AuthorityState,
  run: Verification,
): Promise<void> {
  const { evidence, log, delegationCheck } = run;
  const { entry } = evidence.admission;
  const isSaid = entry.delegation !== undefined || entry.requirement.delegation !== undefined;
  if (!isSaid && action?.envelope.delegation === undefined) return;
  log.begin('delegation');
  assertChain(action, entry);
  if (action === undefined || delegationCheck === undefined) {
    log.skip(action ? 'this verifier does not check its tokens' : 'content erased');
    return;
  }
  await delegationCheck(action, authority, run);
  log.ok(`${entry.delegation?.length ?? 0} links, by issuers of the authority`);
}

function assertChain(action: Action | undefined, { delegation, requirement }: Admission): void {
  const named = delegation?.map(({ digest }) => digest) ?? null;
  const carried = action === undefined ? named : action.envelope.delegation?.map(grantDigest);
  const isMissing = requirement.delegation !== undefined && named === null;
  if (isMissing || !sameJson(carried ?? null, named)) {
    throw new VerifyError('DELEGATION_INVALID', 'expected the chain of the action');
  }
}
