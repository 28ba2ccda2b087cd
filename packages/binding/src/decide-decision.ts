import { timestampMs } from '@countersign/canonical';
import { counterFinding } from '@countersign/human-proof';
import type { ActionRecord, DecisionRecord } from './action-record.ts';
import type { CredentialMember } from './authority-member.ts';
import { refusalCodeOf } from './binding-error.ts';
import {
  assertBindable,
  bind,
  liveApprovals,
  partiesIn,
  recordVoice,
  refusalOfFreeze,
  standingApprovals,
} from './bind.ts';
import { refusalOfCitation } from './citation.ts';
import type { Outcome } from './decided.ts';
import { principalOf, refusalOfRight } from './decide-deputy.ts';
import { isOfClass } from './decision-proof.ts';
import { rationaleDigest } from './decision-statement.ts';
import { areOneVoice } from './deputy.ts';
import { eligibleFrom } from './escalation.ts';
import { isUndeniable } from './fixed-requirement.ts';
import type { DecisionInput } from './input.ts';
import { membershipEndMs } from './membership.ts';
import { loadOf } from './person-load.ts';
import type { Proceeding } from './proceeding.ts';
import type { RefusalCode } from './refusal-code.ts';
import type { RequestAdmitted } from './request-entry.ts';
import { inOrder, refusalOfPlace } from './seating.ts';
import { counterOf } from './signature-counter.ts';

const HELD_PER_ACTION_MAX = 32;
const RATIONALES_MAX = 200;

/** A decision with the credential that made it, and the action that it is about. */
interface Deciding {
  readonly input: DecisionInput;
  readonly signer: CredentialMember;
  readonly record: ActionRecord;
  /** In whose place a deputy decides. */
  readonly principal?: string;
}

export function decideDecision(run: Proceeding, input: DecisionInput): Outcome {
  const { statement } = input.made;
  const { authority } = run.state;
  const active = authority.get('credential', statement.credential);
  const signer = active ?? authority.retiredCredential(statement.credential);
  if (signer?.public_key !== input.publicKey) {
    return { status: 'quarantined', code: 'CREDENTIAL_UNKNOWN' };
  }
  const code = refusalOfSigner(run, input, signer);
  if (code !== undefined) return refuseDecision(run, { input, signer }, code);
  if (active === undefined) {
    return refuseDecision(run, { input, signer }, 'KEY_NOT_ENROLLED_AT_TIME');
  }
  expireIfDue(run, statement.action_id);
  const record = run.state.action(statement.action_id);
  if (record === undefined) return holdDecision(run, input);
  return decideKnown(run, { input, signer, record });
}

/** Whether the one who signed is the one who is named, and may sign at all. */
function refusalOfSigner(
  { state }: Proceeding,
  { made: { statement } }: DecisionInput,
  signer: CredentialMember,
): RefusalCode | undefined {
  const { ledger } = state.authority;
  if (statement.ledger !== ledger.origin || statement.tenant !== ledger.tenant) {
    return 'TYPE_CONFUSION';
  }
  if (statement.person !== signer.person) return 'NO_HUMAN_PROOF';
  const person = state.authority.get('person', signer.person);
  return person?.class === 'natural' ? undefined : 'NOT_A_NATURAL_PERSON';
}

/** Ends an open request whose time is over before anything else is said about it: attack row C06. */
export function expireIfDue(run: Proceeding, actionId: string): void {
  const record = run.state.action(actionId);
  if (record?.status !== 'pending' || record.decideByMs >= run.atMs) return;
  run.write({
    type: 'request-expired',
    action_id: record.id,
    admission: record.admission,
    decide_by: record.open?.decide_by ?? run.at,
  });
}

/** Waits for the admission that a decision cites: attack row C04. */
function holdDecision(run: Proceeding, input: DecisionInput): Outcome {
  const { held } = run;
  if (held.some(({ decision }) => decision.input === input.input)) return { status: 'held' };
  const actionId = input.made.statement.action_id;
  const ofAction = held.filter(({ decision }) => decision.made.statement.action_id === actionId);
  if (ofAction.length >= HELD_PER_ACTION_MAX) {
    return { status: 'quarantined', code: 'LIMIT_EXCEEDED' };
  }
  const [oldest, ...others] = held;
  if (oldest !== undefined && held.length >= run.state.limits.heldMax) {
    refuseOrphan(run, oldest.decision);
    run.hold([...others, { decision: input, heldAtMs: run.atMs }]);
  } else {
    run.hold([...held, { decision: input, heldAtMs: run.atMs }]);
  }
  return { status: 'held' };
}

/** Gives up a held decision: its request never came. */
export function refuseOrphan(run: Proceeding, input: DecisionInput): void {
  const { credential } = input.made.statement;
  const { authority } = run.state;
  const signer = authority.get('credential', credential) ?? authority.retiredCredential(credential);
  const outcome =
    signer === undefined
      ? ({ status: 'quarantined', code: 'CREDENTIAL_UNKNOWN' } as const)
      : refuseDecision(run, { input, signer }, 'ORPHAN_DECISION');
  if (outcome.status === 'quarantined') run.drop(input.input, outcome.code);
}

function refuseDecision(
  run: Proceeding,
  deciding: Pick<Deciding, 'input' | 'signer'> & Partial<Deciding>,
  code: RefusalCode,
): Outcome {
  const { input, signer } = deciding;
  const { statement } = input.made;
  const from = code === 'NOT_ELIGIBLE' ? laterFrom(run, deciding) : undefined;
  return run.refuse(
    {
      type: 'decision-refused',
      action_id: statement.action_id,
      admission: statement.admission,
      // Who signed, whatever name stands in the statement.
      person: signer.person,
      credential: signer.id,
      verdict: statement.verdict,
      statement_digest: input.statementDigest,
      code,
      ...(from !== undefined && { from }),
      input: input.input,
    },
    code,
  );
}

/** When whoever may not decide yet may: they are told so, and need not guess. */
function laterFrom(
  { atMs }: Proceeding,
  { signer, record, principal }: Pick<Deciding, 'signer'> & Partial<Deciding>,
): string | undefined {
  if (record?.open === undefined || principal !== undefined) return undefined;
  return eligibleFrom(record.open, signer.person, atMs);
}

function decideKnown(run: Proceeding, deciding: Deciding): Outcome {
  const { input, record } = deciding;
  const answered = answerOf(record, input);
  if (answered !== undefined) return { status: 'repeated', index: answered };
  const code =
    refusalOfCitation(run.state, record, input.made.statement) ??
    refusalOfVerdict(deciding) ??
    refusalOfForm(run, deciding);
  if (code !== undefined) return refuseDecision(run, deciding, code);
  return input.made.statement.verdict === 'revoke' ? revoke(run, deciding) : judge(run, deciding);
}

function answerOf(record: ActionRecord, input: DecisionInput): number | undefined {
  if (record.revocation?.statement === input.statementDigest) return record.revocation.index;
  return record.decisions.find(({ statement }) => statement === input.statementDigest)?.index;
}

function refusalOfVerdict({ input, record }: Deciding): RefusalCode | undefined {
  const isNo = input.made.statement.verdict !== 'approve';
  return isNo && isUndeniable(record.type) ? 'NOT_DENIABLE' : undefined;
}

function refusalOfForm(
  run: Proceeding,
  { input: { made, rationale }, record }: Deciding,
): RefusalCode | undefined {
  if (rationale !== undefined && rationaleDigest(rationale) !== made.statement.rationale_digest) {
    return 'RATIONALE_MISMATCH';
  }
  if (timestampMs(made.statement.not_after) < run.atMs) return 'EXPIRED';
  return record.rationales.length < RATIONALES_MAX ? undefined : 'LIMIT_EXCEEDED';
}

function judge(run: Proceeding, given: Deciding): Outcome {
  const { record, input, signer } = given;
  const { verdict } = input.made.statement;
  const principal = principalOf(run, record, { person: signer.person, verdict });
  const deciding = { ...given, ...(principal !== undefined && { principal }) };
  const code = refusalOfStatus(record) ?? refusalOfApprover(run, deciding);
  if (code !== undefined) return refuseDecision(run, deciding, code);
  if (verdict === 'deny') {
    deny(run, deciding);
    return { status: 'accepted' };
  }
  return approve(run, deciding);
}

/** The first end of a request stays; what comes after it is recorded as late. */
function refusalOfStatus(record: ActionRecord): RefusalCode | undefined {
  switch (record.status) {
    case 'pending':
      return undefined;
    case 'expired':
      return 'EXPIRED';
    case 'revoked':
      return 'REVOKED';
    case 'superseded':
      return 'SUPERSEDED';
    case 'bound':
    case 'denied':
      return 'LATE_DECISION';
  }
}

function refusalOfApprover(run: Proceeding, deciding: Deciding): RefusalCode | undefined {
  const { record, signer } = deciding;
  const { open } = record;
  if (open === undefined) return 'LATE_DECISION';
  const isApproval = deciding.input.made.statement.verdict === 'approve';
  const ended = isApproval ? refusalOfFreeze(run, open) : undefined;
  if (ended !== undefined) return ended;
  const exclusion = open.excluded.find(({ person }) => person === signer.person);
  if (exclusion !== undefined) return exclusion.code;
  if (partiesIn(open).includes(signer.person)) return 'NOT_ELIGIBLE';
  const noRight =
    deciding.principal === undefined ? refusalOfRight(run, open, signer.person) : undefined;
  if (noRight !== undefined) return noRight;
  if (!isMember(run, deciding)) return 'NOT_ELIGIBLE';
  return (
    refusalOfProof(open, deciding) ?? refusalOfSeat(run, deciding) ?? placeRefusal(run, deciding)
  );
}

/** By the word of the company's identity provider, at this time of the log: attack rows D10, D11. */
function isMember({ state, atMs }: Proceeding, { input, record, signer }: Deciding): boolean {
  const needed = record.open?.requirement.member_of;
  const { membership } = input;
  if (needed === undefined || membership === 'taken') return true;
  const shown = { person: signer.person, membership, atMs };
  return membershipEndMs(state.authority, needed, shown) !== undefined;
}

/** An approval after the window is told so where it is out of order only because those before it are over. */
function placeRefusal(
  run: Proceeding,
  { input, record, signer, principal }: Deciding,
): RefusalCode | undefined {
  const { open } = record;
  if (open === undefined) return undefined;
  const { verdict } = input.made.statement;
  const who = { person: principal ?? signer.person, verdict };
  const beside = (approvals: readonly DecisionRecord[]): ReturnType<typeof refusalOfPlace> =>
    refusalOfPlace(open, who, approvals.map(recordVoice));
  const code = beside(liveApprovals(run, record));
  if (code !== 'ORDER') return code;
  const before = inOrder(standingApprovals(run, record), open.requirement, recordVoice);
  return beside(before) === undefined ? 'WINDOW' : code;
}

function refusalOfProof(
  { requirement: needed, confirmation }: RequestAdmitted,
  { input: { facts, made, rationale }, signer }: Deciding,
): RefusalCode | undefined {
  if (!needed.proof_classes.includes(facts.proofClass)) return 'PROOF_CLASS';
  if (!isOfClass(signer, facts, needed)) return 'AUTHENTICATOR_CLASS';
  const isSilent = rationale?.text.trim() === '';
  if (needed.rationale === 'required' && isSilent) return 'RATIONALE_REQUIRED';
  const { verdict, confirmation: typed } = made.statement;
  if (verdict !== 'approve' || typed === confirmation) return undefined;
  return typed === undefined ? 'CONFIRMATION_REQUIRED' : 'CONFIRMATION_MISMATCH';
}

/** Distinct persons and distinct keys fill a quorum, and no person beside their deputy: attack rows D04, D12. */
function refusalOfSeat(
  run: Proceeding,
  { record, signer, principal }: Deciding,
): RefusalCode | undefined {
  const own = { person: signer.person, ...(principal !== undefined && { for: principal }) };
  for (const decision of liveApprovals(run, record)) {
    if (decision.credential === signer.id) return 'ALREADY_DECIDED';
    if (areOneVoice(own, decision.bound ?? decision)) return 'DUPLICATE_HUMAN';
    const other = run.state.authority.get('credential', decision.credential);
    if (other?.public_key === signer.public_key) return 'DUPLICATE_KEY';
  }
  return undefined;
}

function accept(
  run: Proceeding,
  { input, record, principal }: Deciding,
): ReturnType<Proceeding['write']> {
  noteCounter(run, input);
  const { made, facts, membership } = input;
  const isAsked =
    record.open?.requirement.member_of !== undefined && typeof membership === 'object';
  const { rules, tables } = run.state;
  const accepted = run.write({
    type: 'decision-accepted',
    action_id: record.id,
    admission: record.admission,
    statement: made.statement,
    proof: made.proof,
    proof_class: facts.proofClass,
    ...(isAsked && { membership }),
    ...(principal !== undefined && { for: principal }),
    ...(rules > 1 && { load: loadOf(tables.load, made.statement.person, run.atMs) }),
    input: input.input,
  });
  keepRationale(run, input);
  return accepted;
}

function keepRationale(run: Proceeding, { made, rationale }: DecisionInput): void {
  if (rationale === undefined) return;
  const { text, salt } = rationale;
  run.keep({ kind: 'rationale', digest: made.statement.rationale_digest, text, salt });
}

/** A counter that does not grow tells of a copied key. It is a finding: many authenticators do not count. */
function noteCounter(run: Proceeding, { made }: DecisionInput): void {
  const { credential, person, action_id } = made.statement;
  const before = run.state.tables.counters.get(credential) ?? 0;
  const counter = counterOf(made.proof);
  if (before === 0 || !counterFinding(before, counter)) return;
  run.write({
    type: 'finding-raised',
    finding: 'CLONE_SUSPECTED',
    about: { action_id, person, credential, count: counter },
  });
}

function deny(run: Proceeding, deciding: Deciding): void {
  const { record, signer } = deciding;
  const decision = accept(run, deciding);
  run.write({
    type: 'request-denied',
    action_id: record.id,
    admission: record.admission,
    decision: decision.leaf,
    person: signer.person,
  });
}

function approve(run: Proceeding, deciding: Deciding): Outcome {
  const { record, input, signer, principal } = deciding;
  const approvals = [
    ...liveApprovals(run, record).map((each) => each.bound ?? each),
    { person: signer.person, ...(principal !== undefined && { for: principal }) },
  ];
  const isQuorum = approvals.length >= (record.open?.requirement.approvals ?? Infinity);
  try {
    // What could not take effect any more must not become a binding; the request stays open.
    if (isQuorum) assertBindable(run, record, approvals);
  } catch (error) {
    const code = refusalCodeOf(error);
    if (code === undefined) throw error;
    return refuseDecision(run, deciding, code);
  }
  accept(run, deciding);
  if (isQuorum) bind(run, input.made.statement);
  return { status: 'accepted' };
}

/** Any natural person who is enrolled may stop an action, before it is bound and after. */
function revoke(run: Proceeding, deciding: Deciding): Outcome {
  const { record, input } = deciding;
  const isOpen = record.status === 'pending' || record.status === 'bound';
  if (!isOpen) return refuseDecision(run, deciding, refusalOfStatus(record) ?? 'LATE_DECISION');
  if (record.binding !== undefined && record.type.startsWith('authority.')) {
    return refuseDecision(run, deciding, 'ALREADY_CONSUMED');
  }
  noteCounter(run, input);
  run.write({
    type: 'binding-revoked',
    action_id: record.id,
    binding: record.binding?.leaf ?? null,
    admission: record.admission,
    statement: input.made.statement,
    proof: input.made.proof,
    proof_class: input.facts.proofClass,
    input: input.input,
  });
  // What was erased stays empty: no later order could remove what came to it after the first.
  if (record.erasedIndex === undefined) keepRationale(run, input);
  return { status: 'accepted' };
}
