import { applyEnrolment } from './authority-change.ts';
import type { AuthorityState } from './authority.ts';
import { refusalCodeOf } from './binding-error.ts';
import type { Outcome } from './decided.ts';
import type { EnrolmentInput } from './input.ts';
import { isAccountNeeded, isAccountShown } from './membership.ts';
import type { Proceeding } from './proceeding.ts';

/**
 * A person registers a key with an invitation. Nobody is known before that, so a refusal writes nothing.
 */
export function decideEnrolment(
  run: Proceeding,
  { enrolment, identity, input }: EnrolmentInput,
): Outcome {
  const { statement, signature } = enrolment;
  const { authority, authorityRef } = run.state;
  // Whoever has the link of somebody of the company is not yet that person: attack row D14.
  const isNeeded = run.state.rules > 1 && isAccountNeeded(authority, statement.person);
  if (isNeeded && !isAccountShown(authority, { statement, identity, atMs: run.atMs })) {
    return { status: 'quarantined', code: 'INVITATION_INVALID' };
  }
  // By rules 1 there was no such member.
  if (run.state.rules < 2 && statement.attestation !== undefined) {
    return { status: 'quarantined', code: 'UNKNOWN_MEMBER' };
  }
  let after: AuthorityState;
  try {
    after = applyEnrolment(authority, statement, run.atMs);
  } catch (error) {
    const code = refusalCodeOf(error);
    if (code === undefined) throw error;
    return { status: 'quarantined', code };
  }
  run.write({
    type: 'authority-changed',
    change: {
      change: 'credential-enrolled',
      statement,
      signature,
      ...(isNeeded && identity !== undefined && { identity }),
    },
    previous: authorityRef,
    authority_root: after.root,
    input,
  });
  return { status: 'accepted' };
}
