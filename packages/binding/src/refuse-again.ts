import { ulidTimeMs, type Digest } from '@countersign/canonical';
import { isIdExpired, type ActionRecord } from './action-record.ts';
import { decideDecision, refuseOrphan } from './decide-decision.ts';
import { decideErasure } from './decide-erasure.ts';
import { CLOCK_SKEW_MS } from './decide-request.ts';
import { decideReport, decideUse } from './decide-use.ts';
import { couldBeUnasked } from './decide-asking.ts';
import { isReviewOverdue } from './break-glass-fold.ts';
import type { Outcome } from './decided.ts';
import { isFrozen } from './freeze.ts';
import type { DecisionRefused } from './decision-entry.ts';
import type { DecisionStatement } from './decision-statement.ts';
import type { Entry } from './entry.ts';
import type { DecisionInput, ErasureInput, ReportInput, UseInput } from './input.ts';
import type { FindingRaised, FindingSubmission } from './ledger-entry.ts';
import type { Proceeding, RefusalBody } from './proceeding.ts';
import type { RefusalCode } from './refusal-code.ts';
import type { RequestRefused } from './request-entry.ts';
import type { UseRefused } from './use-entry.ts';

export type LoggedRefusal = RequestRefused | DecisionRefused | UseRefused | FindingRaised;

const REFUSALS: ReadonlySet<string> = new Set<LoggedRefusal['type']>([
  'request-refused',
  'decision-refused',
  'use-refused',
  'finding-raised',
]);

/** A finding with the whole input that it answers. */
export type SubmittedFindingRaised = FindingRaised & {
  readonly submission: FindingSubmission;
  readonly input: Digest;
};

export function isSubmittedFinding(entry: Entry): entry is SubmittedFindingRaised {
  return entry.type === 'finding-raised' && entry.submission !== undefined;
}

export function isLoggedRefusal(entry: Entry): entry is LoggedRefusal {
  return REFUSALS.has(entry.type);
}

/** Codes that can follow from what only the refused input says, which is not in the log. */
const HIDDEN: { readonly [T in LoggedRefusal['type']]: ReadonlySet<string> } = {
  'request-refused': new Set(),
  'decision-refused': new Set<RefusalCode>([
    'TYPE_CONFUSION',
    'NO_HUMAN_PROOF',
    'DECISION_REQUEST_MISMATCH',
    'ACTION_DIGEST_MISMATCH',
    'DISPLAY_MISMATCH',
    'RATIONALE_MISMATCH',
    'RATIONALE_REQUIRED',
    'CONFIRMATION_REQUIRED',
    'CONFIRMATION_MISMATCH',
    'PROOF_CLASS',
    'EXPIRED',
  ]),
  'use-refused': new Set<RefusalCode>([
    'TENANT_UNKNOWN',
    'EXECUTOR_MISMATCH',
    'ACTION_DIGEST_MISMATCH',
    'NOT_BOUND',
    'CONSTRAINT_VIOLATED',
    'NOT_IN_BATCH',
    'PLAN_DIGEST_MISMATCH',
    'PLAN_ORDER',
    'CLOCK_SKEW',
    'SCHEMA_INVALID',
  ]),
  'finding-raised': new Set<RefusalCode>(['TENANT_UNKNOWN', 'CLOCK_SKEW']),
};

/** Whether a refusal is one that nobody can derive again without the input that was refused. */
export function isHiddenRefusal(entry: LoggedRefusal): boolean {
  const code = entry.type === 'finding-raised' ? entry.finding : entry.code;
  if (entry.type !== 'request-refused') return HIDDEN[entry.type].has(code);
  return entry.action_id === undefined || !isToldByLog(code);
}

/**
 * A refusal decided again, with an input in which everything is as it should be but what the entry says: so a code that follows
 * from the state of the ledger comes out by itself, or another one does. A hidden one is written as it is logged, if its
 * sender is who it says.
 */
export function refuseAgain(run: Proceeding, entry: LoggedRefusal): Outcome {
  switch (entry.type) {
    case 'request-refused':
      return refuseRequest(run, entry);
    case 'decision-refused':
      return refuseDecision(run, entry);
    case 'use-refused':
      return refuseUse(run, entry);
    case 'finding-raised':
      return raiseFinding(run, entry);
  }
}

const HEAD: ReadonlySet<string> = new Set(['v', 'at', 'tenant']);

/** What each entry begins with is written anew. */
function asLogged(run: Proceeding, entry: LoggedRefusal): Outcome {
  const body = Object.fromEntries(Object.entries(entry).filter(([name]) => !HEAD.has(name)));
  const code = entry.type === 'finding-raised' ? entry.finding : entry.code;
  return run.refuse(body as unknown as RefusalBody, code as RefusalCode);
}

const UNKNOWN_SENDER = { status: 'quarantined', code: 'AGENT_UNKNOWN' } as const;

const TOLD_BY_LOG = [
  'REQUEST_ID_REUSED',
  'REQUEST_ID_EXPIRED',
  'CLOCK_SKEW',
  'TOO_MANY_OPEN',
  'REVIEW_OVERDUE',
  'FROZEN',
  'QUIET_HOURS',
  'REQUEST_OPEN',
  'PROMPTS_EXCEEDED',
] as const;

function isToldByLog(code: string): code is (typeof TOLD_BY_LOG)[number] {
  return (TOLD_BY_LOG as readonly string[]).includes(code);
}

function refuseRequest(run: Proceeding, entry: RequestRefused): Outcome {
  const { agent, action_id: id, code } = entry;
  const holder = run.state.authority.holderOf(agent.key_thumbprint);
  if (holder?.kind !== 'agent' || holder.id !== agent.id) return UNKNOWN_SENDER;
  const isSo = id === undefined || !isToldByLog(code) || isRefused(run, { ...entry, id, code });
  return isSo ? asLogged(run, entry) : { status: 'accepted' };
}

function isRefused(
  run: Proceeding,
  asked: RequestRefused & {
    readonly id: string;
    readonly code: (typeof TOLD_BY_LOG)[number];
  },
): boolean {
  const { state, atMs } = run;
  switch (asked.code) {
    case 'REQUEST_ID_REUSED':
      return state.action(asked.id) !== undefined;
    case 'REQUEST_ID_EXPIRED':
      return isIdExpired(asked.id, atMs);
    case 'CLOCK_SKEW':
      return ulidTimeMs(asked.id) > atMs + CLOCK_SKEW_MS;
    case 'TOO_MANY_OPEN':
      return (state.tables.openByAgent.get(asked.agent.id) ?? 0) >= state.limits.openPerAgentMax;
    case 'REVIEW_OVERDUE':
      return isReviewOverdue(state.tables, atMs);
    case 'FROZEN':
      return isFrozen(state.authority);
    case 'QUIET_HOURS':
    case 'REQUEST_OPEN':
    case 'PROMPTS_EXCEEDED':
      return couldBeUnasked(run, { ...asked, code: asked.code });
  }
}

function refuseDecision(run: Proceeding, entry: DecisionRefused): Outcome {
  const { authority } = run.state;
  const { credential, person, code } = entry;
  const signer = authority.get('credential', credential) ?? authority.retiredCredential(credential);
  if (signer?.person !== person) return { status: 'quarantined', code: 'CREDENTIAL_UNKNOWN' };
  if (HIDDEN['decision-refused'].has(code)) return asLogged(run, entry);
  // Whether somebody was in a group of the company was said by a token that is not in the log.
  const { requirement } = run.state.action(entry.action_id)?.open ?? {};
  if (code === 'NOT_ELIGIBLE' && requirement?.member_of !== undefined) return asLogged(run, entry);
  const input = decisionAgain(run, entry, signer.public_key);
  if (code !== 'ORPHAN_DECISION') return decideDecision(run, input);
  if (run.state.action(entry.action_id) !== undefined) return { status: 'held' };
  refuseOrphan(run, input);
  return { status: 'refused', code };
}

/** Stands only in an acceptance that the log does not hold. */
const NO_PROOF: DecisionInput['made']['proof'] = {
  kind: 'webauthn',
  credential_id: '',
  authenticator_data: 'A'.repeat(50),
  client_data_json: '',
  signature: '',
};

const LAST_MOMENT = '9999-12-31T23:59:59.999Z';

/** What a right decision would have said of its request. */
function citedAgain(
  record: ActionRecord | undefined,
  { admission, statement_digest: nothing }: DecisionRefused,
): Pick<DecisionStatement, 'admission' | 'action_digest' | 'display_digest' | 'confirmation'> {
  const confirmation = record?.open?.confirmation;
  return {
    admission: admission ?? record?.admission ?? nothing,
    action_digest: record?.actionDigest ?? nothing,
    display_digest: record?.displayDigest ?? nothing,
    ...(confirmation !== undefined && { confirmation }),
  };
}

function decisionAgain(run: Proceeding, entry: DecisionRefused, publicKey: string): DecisionInput {
  const { ledger } = run.state.authority;
  const record = run.state.action(entry.action_id);
  const [proofClass = 'uv'] = record?.open?.requirement.proof_classes ?? [];
  const { action_id, person, credential, verdict } = entry;
  return again<DecisionInput>({
    kind: 'decision',
    ...commonOf(run, entry.input),
    made: {
      statement: {
        v: 'countersign.decision.v1',
        ledger: ledger.origin,
        tenant: ledger.tenant,
        action_id,
        ...citedAgain(record, entry),
        verdict,
        rationale_digest: entry.statement_digest,
        person,
        credential,
        not_after: LAST_MOMENT,
      },
      proof: NO_PROOF,
    },
    rationale: undefined,
    statementDigest: entry.statement_digest,
    facts: { proofClass } as DecisionInput['facts'],
    membership: 'taken',
    publicKey,
  });
}

function refuseUse(run: Proceeding, entry: UseRefused): Outcome {
  const holder = run.state.authority.holderOf(entry.key_thumbprint);
  if (holder?.kind !== 'executor' || holder.id !== entry.executor) return UNKNOWN_SENDER;
  if (HIDDEN['use-refused'].has(entry.code)) return asLogged(run, entry);
  if (entry.code === 'USE_UNKNOWN') return decideReport(run, reportAgain(run, entry, holder));
  return decideUse(run, useAgain(run, entry));
}

function useAgain(run: Proceeding, entry: UseRefused): UseInput {
  const { ledger } = run.state.authority;
  const record = run.state.action(entry.action_id);
  const item = record?.uses.find(({ useId }) => useId === entry.first_use)?.item;
  const chosen = record?.bounds?.map(({ name, min }) => [name, min] as const);
  return again<UseInput>({
    kind: 'use',
    ...commonOf(run, entry.input),
    key: entry.key_thumbprint,
    signature: '',
    payload: new Uint8Array(),
    claim: {
      v: 'countersign.use.v1',
      tenant: ledger.tenant,
      action_id: entry.action_id,
      use_id: entry.use_id,
      action_digest: record?.actionDigest ?? entry.input,
      binding: record?.binding?.leaf ?? entry.input,
      executor: entry.executor,
      claimed_at: entry.at,
      ...(chosen !== undefined && { chosen: Object.fromEntries(chosen) }),
      ...(item !== undefined && { item: itemAgain(entry, item) }),
    },
  });
}

/** Of a batch: the item whose use came first. Its path is never looked at, since that use was taken. */
function itemAgain({ input }: UseRefused, index: number): NonNullable<UseInput['claim']['item']> {
  return { root: input, index, digest: input, path: [] };
}

function raiseFinding(run: Proceeding, entry: FindingRaised): Outcome {
  const { executor: executorId, agent: agentId, action_id: actionId, use_id: useId } = entry.about;
  if (entry.input === undefined) return UNKNOWN_SENDER;
  const { authority } = run.state;
  if (executorId !== undefined && useId !== undefined && actionId !== undefined) {
    const executor = authority.get('executor', executorId);
    if (executor === undefined) return UNKNOWN_SENDER;
    const about = { input: entry.input, action_id: actionId, use_id: useId, at: entry.at };
    return decideReport(run, reportAgain(run, about, executor));
  }
  const agent = agentId === undefined ? undefined : authority.get('agent', agentId);
  if (agent === undefined) return UNKNOWN_SENDER;
  if (HIDDEN['finding-raised'].has(entry.finding)) return asLogged(run, entry);
  if (actionId === undefined) {
    // Of somebody who is no operator, and wanted to raise one.
    const isSo = entry.finding === 'NOT_ELIGIBLE' && !agent.operator;
    return isSo ? asLogged(run, entry) : { status: 'accepted' };
  }
  return decideErasure(
    run,
    again<ErasureInput>({
      kind: 'erasure',
      ...commonOf(run, entry.input),
      key: agent.key_thumbprint,
      signature: '',
      payload: new Uint8Array(),
      order: {
        v: 'countersign.erasure.v1',
        tenant: authority.ledger.tenant,
        action_id: actionId,
        requested_at: entry.at,
        nonce: '',
      },
    }),
  );
}

/** A report that contradicts whatever was reported before: no payload is empty, and nobody knows what it tells. */
function reportAgain(
  run: Proceeding,
  entry: {
    readonly input: Digest;
    readonly action_id: string;
    readonly use_id: string;
    readonly at: string;
  },
  executor: { readonly id: string; readonly key_thumbprint: Digest },
): ReportInput {
  const record = run.state.action(entry.action_id);
  return again<ReportInput>({
    kind: 'report',
    ...commonOf(run, entry.input),
    key: executor.key_thumbprint,
    signature: '',
    payload: new Uint8Array(),
    report: {
      v: 'countersign.report.v1',
      tenant: run.state.authority.ledger.tenant,
      action_id: entry.action_id,
      use_id: entry.use_id,
      action_digest: record?.actionDigest ?? entry.input,
      executor: executor.id,
      result: 'unknown',
      started_at: entry.at,
      ended_at: entry.at,
    },
  });
}

function commonOf(
  run: Proceeding,
  input: Digest,
): Pick<DecisionInput, 'input' | 'appendTimeMs' | 'offset'> {
  return { input, appendTimeMs: run.atMs, offset: 0 };
}

type Bare<I> = { readonly [K in keyof I as K extends string ? K : never]: I[K] };

/** Stands for an input that is not in the log: nothing that it holds is ever written but what the entry says itself. */
function again<I>(input: Bare<I>): I {
  return input as I;
}
