import type { Rationale } from '@countersign/binding';
import type { Json, JsonObject } from '@countersign/canonical';
import { listIn, objectIn, objectOf, textIn } from './answer-json.ts';
import { parseLoggedAnswer, type LoggedAnswer } from './logged-entry.ts';

/** A decision as the server tells it: see decision-check.ts. */
export interface ReviewedDecision {
  readonly logged: LoggedAnswer;
  readonly rationale: Rationale | null;
}

/** What GET /v1/actions/:id/review answers. Nothing of it is believed: see review-check.ts. */
export interface Review {
  readonly action: string;
  readonly admission: LoggedAnswer;
  readonly descriptor: JsonObject;
  readonly policy: JsonObject | null;
  readonly display: JsonObject;
  readonly rpId: string;
  readonly decisions: readonly ReviewedDecision[];
  readonly status: string;
}

/** @throws ConsoleError ANSWER_FORMAT */
export function parseReview(json: Json): Review {
  const from = objectOf(json);
  return {
    action: textIn(from, 'action'),
    admission: parseLoggedAnswer(from['admission']),
    descriptor: objectIn(from, 'descriptor'),
    policy: from['policy'] === null ? null : objectIn(from, 'policy'),
    display: objectIn(from, 'display'),
    rpId: textIn(objectIn(from, 'rp'), 'id'),
    decisions: listIn(from, 'decisions').map(reviewedDecision),
    status: textIn(from, 'status'),
  };
}

function reviewedDecision(json: Json): ReviewedDecision {
  const from = objectOf(json);
  return { logged: parseLoggedAnswer(from), rationale: rationaleIn(from) };
}

function rationaleIn(from: JsonObject): Rationale | null {
  if (from['rationale'] === null) return null;
  const rationale = objectIn(from, 'rationale');
  return { text: textIn(rationale, 'text'), salt: textIn(rationale, 'salt') };
}
