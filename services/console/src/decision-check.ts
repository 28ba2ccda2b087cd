import {
  BindingError,
  isOfSecondGroup,
  rationaleDigest,
  type BindingRevoked,
  type DecisionAccepted,
  type DecisionStatement,
  type Rationale,
} from '@countersign/binding';
import { ConsoleError } from './console-error.ts';
import type { LedgerPin } from './ledger-pin.ts';
import { checkLogged } from './logged-entry.ts';
import type { CheckedReview } from './review-check.ts';
import type { ReviewedDecision } from './review.ts';

/** A decision out of the log, about the admission of this page. Whether its passkey signed it, evidence tells. */
export interface CheckedDecision {
  readonly index: number;
  readonly at: string;
  readonly person: string;
  /** In whose place. */
  readonly principal?: string;
  /** Could decide only because the request had gone on to others. */
  readonly isOfSecondGroup: boolean;
  /** For how long the device says that it showed it. */
  readonly claimedDwellMs?: number;
  readonly verdict: DecisionStatement['verdict'];
  /** Null when it is not there any more. */
  readonly rationale: string | null;
}

/**
 * Reads who decided, and why, from entries of the log. That none is left out, nobody can tell here.
 *
 * @throws ConsoleError ADMISSION_MISMATCH, RATIONALE_MISMATCH, and the codes of checkLogged
 */
export async function checkDecisions(
  decisions: readonly ReviewedDecision[],
  checked: CheckedReview,
  pin: LedgerPin,
): Promise<readonly CheckedDecision[]> {
  return Promise.all(decisions.map(async (decision) => checkDecision(decision, checked, pin)));
}

async function checkDecision(
  { logged, rationale }: ReviewedDecision,
  { admission, admissionLeaf }: CheckedReview,
  pin: LedgerPin,
): Promise<CheckedDecision> {
  const { entry, index } = await checkLogged(logged, pin);
  const isDecision = entry.type === 'decision-accepted' || entry.type === 'binding-revoked';
  const isMeant =
    isDecision &&
    entry.tenant === admission.tenant &&
    entry.action_id === admission.action_id &&
    entry.statement.admission === admissionLeaf;
  if (!isMeant) throw new ConsoleError('ADMISSION_MISMATCH', 'expected decisions on this request');
  const { person, verdict, rationale_digest: digest } = entry.statement;
  if (rationale !== null && digestOrNone(rationale) !== digest) {
    throw new ConsoleError('RATIONALE_MISMATCH', 'expected the rationale that was signed');
  }
  const told = toldBeside(entry);
  const { principal = person } = told;
  return {
    index,
    at: entry.at,
    person,
    ...told,
    // Anybody may revoke, and needs no group for it.
    isOfSecondGroup: verdict !== 'revoke' && isOfSecondGroup(admission.requirement, principal),
    verdict,
    rationale: rationale?.text ?? null,
  };
}

function toldBeside(
  entry: DecisionAccepted | BindingRevoked,
): Pick<CheckedDecision, 'principal' | 'claimedDwellMs'> {
  const { claimed_dwell_ms: claimedDwellMs } = entry.statement;
  const { for: principal } = entry.type === 'decision-accepted' ? entry : {};
  return {
    ...(principal !== undefined && { principal }),
    ...(claimedDwellMs !== undefined && { claimedDwellMs }),
  };
}

/** A salt that cannot be read has no digest. */
function digestOrNone(rationale: Rationale): string | undefined {
  try {
    return rationaleDigest(rationale);
  } catch (error) {
    if (!(error instanceof BindingError)) throw error;
    return undefined;
  }
}
