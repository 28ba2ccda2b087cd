import type { VerifySignature } from '@countersign/canonical';
import type { AuthorityState, BindingMade } from '@countersign/binding';
import { checkAccepted } from './accepted-kind.ts';
import { checkDecisions } from './decision-check.ts';
import { assertDescriptor } from './descriptor-check.ts';
import { assertEpochOf } from './epoch-check.ts';
import { assertExclusions } from './exclusion.ts';
import { StepLog } from './step-log.ts';
import type { Trust } from './trust.ts';

/**
 * What level `human` asks of a binding, of one that is read in the log itself: the authority is that of the fold at its place.
 *
 * @throws VerifyError as a verification of its evidence ends with
 */
export async function checkLoggedBinding(
  binding: BindingMade,
  by: {
    readonly authority: AuthorityState;
    readonly trust: Trust;
    readonly allowDemo: boolean;
    readonly verifySignature: VerifySignature;
  },
): Promise<void> {
  const log = new StepLog();
  checkAccepted(binding, { ...by, log });
  assertExclusions(binding, by.authority);
  assertDescriptor(binding, by.authority);
  assertEpochOf(binding, by.authority);
  await checkDecisions({ ...by, binding, log });
}
