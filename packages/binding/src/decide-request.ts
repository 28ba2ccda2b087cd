import {
  digestBytes,
  formatTimestamp,
  fromUtf8,
  timestampMs,
  ulidTimeMs,
  utf8,
  type Digest,
} from '@countersign/canonical';
import { boundsOf, renderWithDigest, type Action, type Bound } from '@countersign/descriptors';
import { isIdExpired, type ActionRecord } from './action-record.ts';
import { applyChange, parseAuthorityChange } from './authority-change.ts';
import type { AgentMember } from './authority-member.ts';
import type { AuthorityState } from './authority.ts';
import { batchOf, type Batch } from './batch-item.ts';
import { BindingError, refusalCodeOf, type RefusalTells } from './binding-error.ts';
import { assertMayAsk } from './decide-asking.ts';
import { assertEmergency } from './decide-break-glass.ts';
import type { Outcome } from './decided.ts';
import { assertCedar } from './cedar-sentence.ts';
import { assertConfirmed, confirmationOf } from './confirmation.ts';
import type { ProvenLink } from './delegation-link.ts';
import { escalatesAt } from './escalation.ts';
import { judgeChain, type Delegation } from './delegation.ts';
import { assertDelegated, assertIssuersStand, type Grant } from './grant.ts';
import { excludesNobody } from './fixed-requirement.ts';
import { assertNotFrozen, epochOf } from './freeze.ts';
import { assertExecutor } from './executor-check.ts';
import { assertFrom, homeOf } from './home.ts';
import type { RequestInput } from './input.ts';
import type { LedgerState } from './ledger-state.ts';
import { isAuthorityType, isCedarPolicy, requirementOf } from './policy.ts';
import type { EntryBody, Proceeding } from './proceeding.ts';
import type { RefusalCode } from './refusal-code.ts';
import { rareTerms, type RequestAdmitted } from './request-entry.ts';
import { assertReviewOf } from './review.ts';
import {
  excludedOf,
  personsOf,
  refOf,
  sentenceAgain,
  sentenceOf,
  termsOf,
  type Sentence,
  type Terms,
  type Told,
} from './request-terms.ts';

/** How far in the future an id's or a claim's clock may be: attack row C08. */
export const CLOCK_SKEW_MS = 300_000;

/** An authority action stands in two entries as text, each with some 4 kB beside it. */
const AUTHORITY_TEXT_MAX = 49_152;

export function decideRequest(run: Proceeding, input: RequestInput): Outcome {
  const agent = run.state.authority.holderOf(input.key);
  if (agent?.kind !== 'agent') return { status: 'quarantined', code: 'AGENT_UNKNOWN' };
  const { payload } = input;
  if ('fault' in payload) {
    return refuse(run, { input, agent, code: payload.fault, actionDigest: payload.actionDigest });
  }
  const { action } = payload;
  const known = run.state.action(action.envelope.action_id);
  if (known?.actionDigest === action.digest && known.agent === agent.id) {
    return { status: 'repeated', index: known.admissionIndex };
  }
  let body: EntryBody;
  try {
    body = admission(run, { input, agent, action, known, links: payload.links });
  } catch (error) {
    const code = refusalCodeOf(error);
    if (code === undefined) throw error;
    const actionId = action.envelope.action_id;
    const tells = error instanceof BindingError ? error.tells : {};
    return refuse(run, { input, agent, code, actionDigest: action.digest, actionId, tells });
  }
  run.write(body);
  run.keep({ kind: 'action', digest: action.digest, text: fromUtf8(action.bytes) });
  return { status: 'accepted' };
}

interface Refused {
  readonly input: RequestInput;
  readonly agent: AgentMember;
  readonly code: RefusalCode;
  readonly actionDigest: ReturnType<typeof digestBytes>;
  readonly actionId?: string;
  readonly tells?: RefusalTells;
}

function refuse(run: Proceeding, refused: Refused): Outcome {
  const { input, agent, code, actionDigest, actionId, tells } = refused;
  return run.refuse(
    {
      type: 'request-refused',
      ...(actionId === undefined ? {} : { action_id: actionId }),
      action_digest: actionDigest,
      agent: { id: agent.id, key_thumbprint: agent.key_thumbprint },
      code,
      ...tells,
      input: input.input,
    },
    code,
  );
}

interface Asked {
  readonly input: Pick<RequestInput, 'input' | 'signature'>;
  readonly agent: AgentMember;
  readonly action: {
    readonly envelope: Told;
    readonly digest: Digest;
    readonly bytes?: Uint8Array;
  };
  readonly known: ActionRecord | undefined;
}

interface Requested extends Asked {
  readonly action: Action;
  readonly links: readonly ProvenLink[] | undefined;
}

/**
 * The admission that the rules make of what a log still tells of a request: everything but what only its action says,
 * which is taken as it is logged (the display, the bounds, the persons it acts for).
 *
 * @throws BindingError as for a request that is refused
 */
export function admissionAgain(run: Proceeding, entry: RequestAdmitted): EntryBody {
  const { authority } = run.state;
  if (isAuthorityType(entry.action_type.name)) {
    throw new BindingError('SCHEMA_INVALID', 'request: expected the action of an authority type');
  }
  const agent = authority.holderOf(entry.agent.key_thumbprint);
  if (agent?.kind !== 'agent') {
    throw new BindingError('AGENT_UNKNOWN', 'request: expected a key of an agent');
  }
  const known = run.state.action(entry.action_id);
  const { action_type: type, supersedes } = entry;
  const replaced = supersedes === undefined ? undefined : run.state.action(supersedes);
  const envelope: Told = {
    ...entry,
    type: type.name,
    type_version: type.version,
    acting_for: entry.acting_for.map((sub) => ({ kind: 'person', sub })),
    ...(replaced !== undefined && { parent_digest: replaced.actionDigest }),
  };
  const asked = {
    input: { input: entry.input, signature: entry.request_signature },
    agent,
    action: { envelope, digest: entry.action_digest },
    known,
  };
  assertFresh(run, asked);
  const terms = termsOf(run.state, asked.action);
  assertExecutor(authority, asked.action, terms.descriptor);
  assertNotFrozen(authority);
  assertRoom(run.state, agent);
  const { display_digest: displayDigest, bounds, batch, confirmation } = entry;
  const sentence = sentenceAgain(run, terms, entry);
  const { delegation } = entry;
  assertEmergency(run, { type: type.name, rule: sentence.rule, agent });
  assertConfirmed(terms.descriptor, sentence.rule.confirm, confirmation);
  assertDelegated(sentence.rule, delegation);
  assertIssuersStand(delegation, authority);
  return admissionBody(run, asked, {
    ...terms,
    ...sentence,
    displayDigest,
    bounds,
    batch,
    delegation,
    confirmation,
  });
}

/** @throws the refusals of all packages */
function admission(run: Proceeding, asked: Requested): EntryBody {
  assertSender(run.state.authority, asked);
  assertFresh(run, asked);
  const terms = termsOf(run.state, asked.action);
  assertExecutor(run.state.authority, asked.action, terms.descriptor);
  const { displayDigest } = renderWithDigest(terms.descriptor, asked.action);
  const bounds = boundsOf(terms.descriptor, asked.action);
  const batch = batchOf(terms.descriptor, asked.action);
  const sentence = sentenceOf(run.state, { ...asked, atMs: run.atMs }, terms);
  const { type } = asked.action.envelope;
  assertEmergency(run, { type, rule: sentence.rule, agent: asked.agent });
  const { confirm } = sentence.rule;
  const confirmation = confirmationOf(asked.action, terms.descriptor, confirm);
  assertChangePossible(run, asked);
  assertRoom(run.state, asked.agent);
  const chain = delegationOf(run, asked);
  assertDelegated(sentence.rule, chain?.grants);
  return admissionBody(
    run,
    { ...asked, action: { ...asked.action, envelope: endingWith(chain, asked) } },
    {
      ...terms,
      ...sentence,
      displayDigest,
      bounds,
      batch,
      confirmation,
      delegation: chain?.grants,
    },
  );
}

function delegationOf(
  { state, atMs }: Proceeding,
  { agent, action, links }: Requested,
): Delegation | undefined {
  const { authority } = state;
  return judgeChain({ envelope: action.envelope, links, agent, authority, atMs });
}

/** What is done by a chain is done before its first link ends. */
function endingWith(chain: Delegation | undefined, { action: { envelope } }: Requested): Told {
  if (chain === undefined || chain.endsMs >= timestampMs(envelope.not_after)) return envelope;
  return { ...envelope, not_after: formatTimestamp(chain.endsMs) };
}

function assertSender(authority: AuthorityState, { agent, action }: Requested): void {
  const claimed = action.envelope.agent;
  if (claimed.id !== agent.id || claimed.key_thumbprint !== agent.key_thumbprint) {
    throw new BindingError('AGENT_MISMATCH', 'request: expected the agent whose key signed it');
  }
  if (action.envelope.tenant !== authority.ledger.tenant) {
    throw new BindingError('TENANT_UNKNOWN', 'request: expected the tenant of this ledger');
  }
}

function assertFresh({ atMs }: Proceeding, { action, known }: Asked): void {
  const { action_id: id, not_after: notAfter } = action.envelope;
  if (known !== undefined) {
    throw new BindingError('REQUEST_ID_REUSED', 'request: expected an id that is not in use');
  }
  if (isIdExpired(id, atMs)) {
    throw new BindingError('REQUEST_ID_EXPIRED', 'request: expected an id of the last 30 days');
  }
  if (ulidTimeMs(id) > atMs + CLOCK_SKEW_MS) {
    throw new BindingError('CLOCK_SKEW', 'request: expected an id that is not of the future');
  }
  if (timestampMs(notAfter) <= atMs) {
    throw new BindingError('EXPIRED', 'request: expected an action that may still run');
  }
}

/** A change that could not be carried out is refused before anybody is asked to approve it. */
function assertChangePossible({ state, atMs }: Proceeding, { agent, action }: Requested): void {
  const { envelope, bytes } = action;
  if (!isAuthorityType(envelope.type)) {
    assertNotFrozen(state.authority);
    return;
  }
  if (utf8(JSON.stringify(fromUtf8(bytes))).length > AUTHORITY_TEXT_MAX) {
    throw new BindingError('LIMIT_EXCEEDED', 'request: expected a change that fits into an entry');
  }
  const change = parseAuthorityChange(envelope.params['change'] ?? null);
  assertNotFrozen(state.authority, change.kind);
  applyChange(state.authority, change, atMs);
  if (change.kind === 'reviewed') assertReviewOf(state.action(change.action_id), change, atMs);
  if (change.kind === 'policy-set' && isCedarPolicy(change.policy)) {
    assertCedar(change.policy, state.policyEngine);
  }
  if (change.kind === 'home-moved') {
    // It ends the log where it is: what no program may ask for that merely asks to run things.
    if (!agent.operator) throw new BindingError('NOT_ELIGIBLE', 'request: expected an operator');
    assertFrom(change.from, homeOf(state.authority) ?? state.shard);
  }
}

function assertRoom(state: LedgerState, agent: AgentMember): void {
  if ((state.tables.openByAgent.get(agent.id) ?? 0) >= state.limits.openPerAgentMax) {
    throw new BindingError('TOO_MANY_OPEN', 'request: expected fewer open requests of its agent');
  }
}

/** What an admission takes from the action, its descriptor and its policy. */
interface AdmissionTerms extends Pick<Terms, 'descriptor' | 'policyDigest'>, Sentence {
  readonly displayDigest: Digest;
  readonly bounds: readonly Bound[] | undefined;
  readonly delegation: readonly Grant[] | undefined;
  readonly batch: Batch | undefined;
  readonly confirmation: Digest | undefined;
}

function admissionBody(
  run: Proceeding,
  { input, agent, action }: Asked,
  terms: AdmissionTerms,
): EntryBody {
  const { state, atMs } = run;
  const { envelope } = action;
  const { rule, descriptor } = terms;
  const { separation, demo } = state.authority.ledger;
  const epoch = epochOf(state.authority);
  const decideByMs = Math.min(atMs + rule.decide_within_s * 1_000, timestampMs(envelope.not_after));
  const superseded = supersededBy(state, agent, envelope);
  const chain = personsOf(envelope);
  const escalates_at = escalatesAt(rule, { atMs, rules: state.rules });
  const excluded = excludesNobody(envelope.type) ? [] : excludedOf(agent, chain, separation);
  // By rules 1 nobody's key is of any model.
  if (state.rules < 2 && rule.attested !== undefined) {
    throw new BindingError('NO_POLICY', 'request: expected a ledger that knows models of keys');
  }
  assertMayAsk(run, {
    ...{ rule, agent: agent.id, type: envelope.type, superseded },
    out: excluded.map(({ person }) => person),
  });
  return {
    type: 'request-admitted',
    action_id: envelope.action_id,
    action_digest: action.digest,
    display_digest: terms.displayDigest,
    action_type: { name: envelope.type, version: envelope.type_version },
    descriptor_digest: descriptor.digest,
    agent: refOf(agent),
    request_signature: input.signature,
    acting_for: chain,
    executor: envelope.executor,
    policy_digest: terms.policyDigest,
    requirement: requirementOf(rule),
    excluded,
    separation,
    demo,
    ...rareTerms({ ...terms, escalates_at }),
    ...(terms.recent !== undefined && { recent: terms.recent }),
    ...(epoch > 0 && { epoch }),
    reversibility: descriptor.reversibility,
    decide_by: formatTimestamp(decideByMs),
    use_within_s: rule.use_within_s,
    start_within_s: rule.start_within_s,
    // Each item has its one use, whatever a rule says of a single action.
    max_uses: terms.batch?.count ?? Math.min(envelope.max_uses, rule.max_uses),
    not_after: envelope.not_after,
    authority: state.authorityRef,
    ...(superseded === undefined ? {} : { supersedes: superseded.id }),
    // Whoever has only the admission has no action but the one in it.
    ...(isAuthorityType(envelope.type) && action.bytes !== undefined
      ? { action: fromUtf8(action.bytes) }
      : {}),
    input: input.input,
  };
}

/**
 * An edited action replaces the open one that it names as its parent (attack row A08). Only whoever answers
 * for the old request may do so, or any agent could sweep away another's.
 */
function supersededBy(
  state: LedgerState,
  agent: AgentMember,
  envelope: Told,
): ActionRecord | undefined {
  const { parent_digest: parent } = envelope;
  const id = parent === undefined ? undefined : state.tables.openByDigest.get(parent);
  const record = id === undefined ? undefined : state.action(id);
  return record?.agent === agent.id || record?.owner === agent.owner ? record : undefined;
}
