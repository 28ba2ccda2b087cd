import { timestampMs, utf8, type Digest, type VerifySignature } from '@countersign/canonical';
import {
  authenticateDecision,
  authenticateEnrolment,
  authenticateSigned,
  tickInput,
} from './authenticate.ts';
import { BindingError, refusalCodeOf } from './binding-error.ts';
import { SWEEP_MAX, answer, proceed } from './decide.ts';
import { admissionAgain } from './decide-request.ts';
import type { Decided, Outcome } from './decided.ts';
import type { Entry, EntryOf } from './entry.ts';
import type { AuthenticatedInput } from './input.ts';
import type { LedgerState } from './ledger-state.ts';
import type { Proceeding } from './proceeding.ts';
import {
  isLoggedRefusal,
  isSubmittedFinding,
  refuseAgain,
  type LoggedRefusal,
  type SubmittedFindingRaised,
} from './refuse-again.ts';

/** An entry that answers an input. */
export type AnsweringEntry =
  | EntryOf<
      | 'request-admitted'
      | 'authority-changed'
      | 'decision-accepted'
      | 'binding-revoked'
      | 'binding-used'
      | 'execution-reported'
      | 'content-erased'
    >
  | LoggedRefusal;

/** One decision as a log tells of it. */
export interface LoggedDecision {
  /** Ledger time, of all of its entries. */
  readonly at: string;
  /** What it answered: nothing where only time went on; after an admission, the decisions that had waited for it. */
  readonly answers: readonly AnsweringEntry[];
  /** How many requests it may end that are due; all that the rules end with one input unless given. */
  readonly sweepMax?: number;
}

/**
 * What the rules make, at this point of the log, of the inputs that these entries say they answer: the same entries, or the
 * log holds what does not follow. An input that the log holds whole is authenticated and decided like any other. Of a
 * request without its action, of a rationale and of most refusals the log holds a digest: of these, what is hidden is taken
 * to be as it is logged, and the rest is decided (schemas/formats/audit.md §3).
 *
 * @throws BindingError when an input is of nobody known, or its signature does not hold: no ledger answers it with an entry
 * @throws what a verifier throws when it cannot check
 */
export async function decideAgain(
  state: LedgerState,
  logged: LoggedDecision,
  verifierOf: (entry: AnsweringEntry) => VerifySignature,
): Promise<Decided> {
  const appendTimeMs = timestampMs(logged.at);
  const steps: Step[] = [];
  for (const entry of logged.answers) {
    steps.push(await refusing(() => stepOf(entry, state, verifierOf(entry))));
  }
  const at = { appendTimeMs, sweepMax: logged.sweepMax ?? SWEEP_MAX };
  return refusing(() =>
    proceed(state, at, (run) => {
      let outcome: Outcome = { status: 'accepted' };
      for (const step of steps) outcome = step(run);
      return outcome;
    }),
  );
}

async function refusing<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = refusalCodeOf(error);
    if (code === undefined || !(error instanceof Error)) throw error;
    throw new BindingError(code, error.message, { cause: error });
  }
}

type Step = (run: Proceeding) => Outcome;

async function stepOf(
  entry: AnsweringEntry,
  state: LedgerState,
  verifySignature: VerifySignature,
): Promise<Step> {
  if (isLoggedRefusal(entry) && !isSubmittedFinding(entry)) {
    return (run) => unlessAnswered(run, entry, refuseAgain);
  }
  if (entry.type === 'request-admitted' && entry.action === undefined) {
    return (run) => unlessAnswered(run, entry, admitAgain);
  }
  const input = await inputIn(entry, state, verifySignature);
  return (run) => answer(run, input);
}

/** The same input twice within ten minutes is answered by the entry that is there. */
function unlessAnswered<E extends AnsweringEntry & { readonly input?: string }>(
  run: Proceeding,
  entry: E,
  otherwise: (run: Proceeding, entry: E) => Outcome,
): Outcome {
  const index = entry.input === undefined ? undefined : run.state.answerTo(entry.input, run.atMs);
  return index === undefined ? otherwise(run, entry) : { status: 'repeated', index };
}

function admitAgain(run: Proceeding, entry: EntryOf<'request-admitted'>): Outcome {
  run.write(admissionAgain(run, entry));
  return { status: 'accepted' };
}

/** The input that an entry holds whole, but for a rationale. */
async function inputIn(
  entry: Exclude<AnsweringEntry, LoggedRefusal> | SubmittedFindingRaised,
  state: LedgerState,
  verifySignature: VerifySignature,
): Promise<AuthenticatedInput> {
  const { authority } = state;
  const appendTimeMs = timestampMs(entry.at);
  if (entry.input === undefined) return tickInput({ input: NO_INPUT, appendTimeMs, offset: 0 });
  const common = { input: entry.input, appendTimeMs, offset: 0 };
  switch (entry.type) {
    case 'decision-accepted':
    case 'binding-revoked':
      return authenticateDecision({ ...common, made: entry }, authority, verifySignature);
    case 'authority-changed':
      if (entry.change.change === 'bound') return tickInput(common);
      return authenticateEnrolment({ ...common, enrolment: entry.change }, state, verifySignature);
    case 'request-admitted':
    case 'binding-used':
    case 'execution-reported':
    case 'content-erased':
    case 'finding-raised':
      return authenticateSigned({ ...common, ...signedIn(entry) }, authority, verifySignature);
  }
}

const NO_INPUT = `sha256:${'0'.repeat(64)}` as const;

type SignedEntry =
  | EntryOf<'request-admitted' | 'binding-used' | 'execution-reported' | 'content-erased'>
  | SubmittedFindingRaised;

function signedIn(
  entry: SignedEntry,
): Pick<Parameters<typeof authenticateSigned>[0], 'kind' | 'signed'> {
  switch (entry.type) {
    case 'request-admitted': {
      const { agent, request_signature: signature } = entry;
      const payload = utf8(entry.action ?? '');
      return { kind: 'request', signed: { payload, key: agent.key_thumbprint, signature } };
    }
    case 'binding-used':
      return { kind: 'use', signed: signedBy(entry, entry.claim) };
    case 'execution-reported':
      return { kind: 'report', signed: signedBy(entry, entry.report) };
    case 'content-erased':
      return { kind: 'erasure', signed: signedBy(entry, entry.request) };
    case 'finding-raised':
      return { kind: 'finding', signed: signedBy(entry.submission, entry.submission.payload) };
  }
}

function signedBy(
  {
    key_thumbprint: key,
    signature,
  }: { readonly key_thumbprint: Digest; readonly signature: string },
  payload: string,
): ReturnType<typeof signedIn>['signed'] {
  return { payload: utf8(payload), key, signature };
}

/** Whether an entry answers an input: whatever else a log holds follows from one that does, or from time. */
export function isAnswering(entry: Entry): entry is AnsweringEntry {
  return 'input' in entry;
}
