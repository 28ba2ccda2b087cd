import { invariant } from './binding-error.ts';
import { raiseIfUnreviewed } from './decide-break-glass.ts';
import { decideDecision, expireIfDue, refuseOrphan } from './decide-decision.ts';
import { decideEnrolment } from './decide-enrolment.ts';
import { decideErasure } from './decide-erasure.ts';
import { decideFinding } from './decide-finding.ts';
import { decideRequest } from './decide-request.ts';
import { decideReport, decideUse } from './decide-use.ts';
import type { Decided, Outcome } from './decided.ts';
import type { AuthenticatedInput, RequestInput } from './input.ts';
import type { LedgerState } from './ledger-state.ts';
import { Proceeding } from './proceeding.ts';

/** So that one input never makes a batch that a broker refuses; the rest is swept with the next inputs. */
export const SWEEP_MAX = 200;

/**
 * What an input comes to at this point of the log: entries, content, and an outcome for its sender. Pure: the
 * state is only read, and the input's own append time is the only clock.
 *
 * @example const decided = decide(draft, input); draft.apply(decided);
 */
export function decide(state: LedgerState, input: AuthenticatedInput): Decided {
  const { appendTimeMs } = input;
  return proceed(state, { appendTimeMs, sweepMax: SWEEP_MAX }, (run) => answer(run, input));
}

/** What is due at this time, then an answer, then the commitment to the fold where its turn has come. */
export function proceed(
  state: LedgerState,
  at: { readonly appendTimeMs: number; readonly sweepMax: number },
  answerIn: (run: Proceeding) => Outcome,
): Decided {
  invariant(state.isFounded, 'a ledger is founded before it decides');
  const run = new Proceeding(state, Math.max(state.lastAtMs, at.appendTimeMs));
  sweep(run, at.sweepMax);
  const outcome = answerIn(run);
  commitState(run, state);
  return run.decided(outcome);
}

/** Ends what is due at this time, in one order whatever the ticks: first requests, then holds. */
function sweep(run: Proceeding, requestsMax: number): void {
  const { state, atMs } = run;
  const due = state.tables.deadlines.due(atMs, requestsMax, (each) => state.isStanding(each));
  for (const { id } of due) {
    expireIfDue(run, id);
    raiseIfUnreviewed(run, id);
  }
  const limitMs = atMs - state.limits.holdMs;
  const orphans = run.held.filter(({ heldAtMs }) => heldAtMs < limitMs).slice(0, SWEEP_MAX);
  if (orphans.length === 0) return;
  for (const { decision } of orphans) refuseOrphan(run, decision);
  run.hold(run.held.filter((held) => !orphans.includes(held)));
}

export function answer(run: Proceeding, input: AuthenticatedInput): Outcome {
  if (input.kind === 'tick') return { status: 'accepted' };
  const index = run.state.answerTo(input.input, run.atMs);
  if (index !== undefined) return { status: 'repeated', index };
  switch (input.kind) {
    case 'request':
      return answerRequest(run, input);
    case 'decision':
      return decideDecision(run, input);
    case 'use':
      return decideUse(run, input);
    case 'report':
      return decideReport(run, input);
    case 'finding':
      return decideFinding(run, input);
    case 'erasure':
      return decideErasure(run, input);
    case 'enrolment':
      return decideEnrolment(run, input);
  }
}

/** An admission takes up the decisions that came before it, in the order in which they came. */
function answerRequest(run: Proceeding, input: RequestInput): Outcome {
  const outcome = decideRequest(run, input);
  if (outcome.status !== 'accepted' || !('action' in input.payload)) return outcome;
  const actionId = input.payload.action.envelope.action_id;
  const waiting = run.held.filter(({ decision }) => decision.made.statement.action_id === actionId);
  if (waiting.length === 0) return outcome;
  run.hold(run.held.filter((held) => !waiting.includes(held)));
  for (const { decision } of waiting) {
    const joined = decideDecision(run, decision);
    if (joined.status === 'quarantined') run.drop(decision.input, joined.code);
    // The same statement waited in other bytes too, whose sender has no entry to be sent to yet.
    else if (joined.status === 'repeated') run.drop(decision.input, 'ALREADY_DECIDED');
  }
  return outcome;
}

/** So that a snapshot can be told from a forgery, and two instances that disagree are found out soon. */
function commitState(run: Proceeding, before: LedgerState): void {
  const { state } = run;
  const { committedSize } = state.head;
  const hasGrown = state.size > before.size;
  if (!hasGrown || state.size - committedSize < state.limits.stateCommitEvery) return;
  run.write({ type: 'state-committed', state_digest: state.stateDigest(), size: state.size });
}
