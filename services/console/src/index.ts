export { assuranceWords } from './assurance-words.ts';
export { breakGlassWords } from './break-glass-words.ts';
export { quorumWords } from './quorum-words.ts';
export { newCredential, type NewCredential } from './authenticator-data.ts';
export { ConsoleError, type ConsoleCode } from './console-error.ts';
export { inPlaceWords, shownWords, standingWords } from './decided-words.ts';
export { checkDecisions, type CheckedDecision } from './decision-check.ts';
export {
  decisionFrame,
  confirmationTyped,
  decisionStatement,
  saltedRationale,
} from './decision.ts';
export { likenessOf, oddFirst, ranked, type Crowd } from './crowd.ts';
export { deputiesIn, principalsFor, type Deputy } from './deputy.ts';
export { distDirectory } from '@countersign/console/dist-directory';
export { enrolmentStatement } from './enrolment.ts';
export { keyWords } from './key-words.ts';
export { headlineOf } from './headline.ts';
export { parseInbox, readInbox, type Inbox, type OpenRequest } from './inbox.ts';
export { checkLogged, parseLoggedAnswer } from './logged-entry.ts';
export { openInvitation, parseInvitationLink, signEnrolment } from './invitation.ts';
export {
  comparePin,
  pinLedger,
  pinTrustFile,
  type LedgerFacts,
  type LedgerPin,
  type PinStore,
} from './ledger-pin.ts';
export { policyChange, type PolicyChange } from './policy-change.ts';
export { worstCase } from './plain-words.ts';
export { checkReview, type CheckedReview } from './review-check.ts';
export { parseReview, type Review } from './review.ts';
export { shortId } from './short-id.ts';
export { age, span, timeLeft, timeLeftInMinutes, utcTime } from './time-words.ts';
export { verifySignature } from './web-crypto.ts';
