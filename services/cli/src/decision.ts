import {
  DECISION_NAMESPACE,
  decisionMessage,
  eligibleFrom,
  mayApprove,
  quorumAt,
  type DecisionMade,
} from '@countersign/binding';
import {
  checkLogged,
  decisionFrame,
  decisionStatement,
  parseLoggedAnswer,
  principalsFor,
  saltedRationale,
  utcTime,
  type CheckedReview,
  type Deputy,
} from '@countersign/console';
import { canonicalText, digestBytes, utf8, type Json } from '@countersign/canonical';
import type { ProofClass } from '@countersign/human-proof';
import { CliError, cliError } from './cli-error.ts';
import { checkedHere } from './checked-review.ts';
import type { CliContext } from './context.ts';
import type { PersonAccess } from './person-access.ts';
import { signedProof } from './signed-proof.ts';

export type TerminalVerdict = 'approve' | 'deny';

const SALT_BYTES = 16;

interface Standing {
  readonly status: string;
  readonly deputies: readonly Deputy[];
  /** Of this machine: what counts is the time of the ledger. */
  readonly nowMs: number;
}

/**
 * What the ledger would refuse anyway, said before anybody reads on or touches a key.
 *
 * @throws CliError with the ledger's code for it
 */
export function assertMayDecide(
  checked: CheckedReview,
  { status, deputies, nowMs }: Standing,
  by: PersonAccess,
): void {
  const { admission } = checked;
  const { requirement, excluded } = admission;
  if (status !== 'pending') {
    const code = STATUS_CODES.get(status) ?? 'LATE_DECISION';
    throw new CliError(code, `this request is ${status}: there is nothing left to decide`);
  }
  const exclusion = excluded.find(({ person }) => person === by.person);
  if (exclusion !== undefined) {
    throw new CliError(exclusion.code, 'you are the one who asks, or answers for who asks');
  }
  const principals = principalsFor(admission, by.person, { deputies, nowMs });
  if (!mayApprove(quorumAt(admission, nowMs), by.person) && principals.length === 0) {
    const from = eligibleFrom(admission, by.person, nowMs);
    throw new CliError(
      'NOT_ELIGIBLE',
      from === undefined
        ? 'the rule names other persons, and nobody whose deputy you are'
        : `if nobody has decided by ${utcTime(from)}, you can`,
    );
  }
  const isHardware = by.key.parsed.application !== undefined;
  const possible: readonly ProofClass[] = isHardware ? ['uv', 'up'] : ['possession'];
  assertClass(possible, requirement.proof_classes);
}

const STATUS_CODES: ReadonlyMap<string, string> = new Map([
  ['expired', 'EXPIRED'],
  ['revoked', 'REVOKED'],
  ['superseded', 'SUPERSEDED'],
  ['epoch-ended', 'EPOCH_ENDED'],
]);

function assertClass(possible: readonly ProofClass[], accepted: readonly ProofClass[]): void {
  if (possible.some((each) => accepted.includes(each))) return;
  const isTouch = possible.includes('up');
  throw new CliError(
    'PROOF_CLASS',
    `the rule accepts ${accepted.join(' or ')}, and this key proves ${possible.join(' or ')}`,
    {
      hint: isTouch
        ? 'make a security key that asks for a PIN or finger: ssh-keygen -t ed25519-sk -O verify-required'
        : 'a key in a file or an agent can be used by a program: decide with a security key or a passkey',
    },
  );
}

/** What a person has read, and says to it. */
export interface Decided {
  readonly checked: CheckedReview;
  readonly verdict: TerminalVerdict;
  readonly text: string;
  /** What was typed of the action, where the rule asks for it. */
  readonly typed?: string;
  /** For how long it was shown before this. */
  readonly shownMs: number;
}

/** The signed decision. @throws CliError PROOF_CLASS, and the codes of signedProof */
export async function signedDecision(
  { checked, verdict, text, typed, shownMs }: Decided,
  { pin, person, key }: PersonAccess,
  context: CliContext,
): Promise<DecisionMade> {
  const rationale = saltedRationale(text, context.randomBytes(SALT_BYTES));
  const statement = decisionStatement({
    checked,
    ledger: pin.trust.origin,
    signer: { person, credential: key.credentialId },
    verdict,
    rationale,
    shownMs,
    ...(typed !== undefined && { typed }),
  });
  const toSign = { namespace: DECISION_NAMESPACE, message: decisionMessage(statement) };
  const { proof, proofClass } = await signedProof(key, toSign, context);
  assertClass([proofClass], checked.admission.requirement.proof_classes);
  return decisionFrame(statement, proof, rationale);
}

/**
 * Sends a decision and waits for the entry that answers it, which is checked against the pinned keys.
 *
 * @throws CliError with the ledger's refusal, NOT_LOGGED, LEDGER_UNREACHABLE
 */
export async function submitDecision(
  made: DecisionMade,
  { client, pin }: PersonAccess,
): Promise<{ index: number; size: number }> {
  // Plain JSON by construction; TypeScript does not see that of interfaces.
  const frame = canonicalText(made as unknown as Json);
  const input = digestBytes('countersign/input/v1', utf8(frame));
  const { entry, receipt } = await client.submit('decisions', frame);
  const { index, leaf, text } = entry;
  return checkedHere(async () => {
    const answer = parseLoggedAnswer({ entry: { index, leaf, text }, receipt });
    const logged = await checkLogged(answer, pin);
    if (!('input' in logged.entry) || logged.entry.input !== input) {
      throw cliError('ANSWER_INVALID', 'expected the entry that answers what was sent');
    }
    return { index, size: logged.size };
  });
}
