import { decisionChallenge, type Verdict } from '@countersign/binding';
import type { Json } from '@countersign/canonical';
import { submit, type Logged } from './api.ts';
import { membershipOf } from './company.ts';
import { decisionFrame, decisionStatement, SALT_BYTES, saltedRationale } from './decision.ts';
import { assertPasskey } from './passkey.ts';
import type { CheckedReview } from './review-check.ts';
import type { SignedInVisit } from './visit.ts';

/**
 * Has the person sign a decision about what this page has checked, and sends it.
 *
 * @throws ServerProblem with the ledger's refusal, ConsoleError
 */
export async function decide(
  visit: SignedInVisit,
  checked: CheckedReview,
  {
    verdict,
    text,
    typed,
    shownMs,
  }: {
    readonly verdict: Verdict;
    readonly text: string;
    readonly typed?: string;
    readonly shownMs: number;
  },
): Promise<Logged> {
  const { pin, signer, rpId } = visit;
  const isAsked = checked.admission.requirement.member_of !== undefined && verdict !== 'revoke';
  // Before the passkey: who is not signed in is told so, and has signed nothing.
  const membership = isAsked ? await membershipOf(signer.person) : undefined;
  const rationale = saltedRationale(text, crypto.getRandomValues(new Uint8Array(SALT_BYTES)));
  const statement = decisionStatement({
    checked,
    ledger: pin.trust.origin,
    signer,
    verdict,
    rationale,
    shownMs,
    ...(typed !== undefined && { typed }),
  });
  const proof = await assertPasskey({
    challenge: decisionChallenge(statement),
    rpId,
    credential: signer.credential,
  });
  const made = decisionFrame(statement, proof, rationale);
  // Plain JSON by construction; TypeScript does not see that of interfaces.
  const frame = {
    ...made,
    ...(membership !== undefined && { membership }),
  } as unknown as Json;
  return submit('/v1/decisions', { body: frame, frame }, pin);
}
