import {
  digestBytes,
  parseCanonical,
  timestampMs,
  utf8,
  valueAt,
  type Digest,
  type Json,
} from '@countersign/canonical';
import { closeAction, knownAction } from './action-change.ts';
import { recordOf, type ActionRecord, type DecisionRecord } from './action-record.ts';
import { applyChange, applyEnrolment, parseAuthorityChange } from './authority-change.ts';
import type { AuthorityState } from './authority.ts';
import { invariant } from './binding-error.ts';
import {
  brokenBy,
  evolveOverdue,
  evolveReview,
  putUnreviewed,
  resultOf,
} from './break-glass-fold.ts';
import type { BindingMade, BindingRevoked, DecisionAccepted } from './decision-entry.ts';
import { decisionDigest } from './decision-statement.ts';
import type { Entry } from './entry.ts';
import { parseExecutionReport } from './execution-report.ts';
import type { Fold, Head, Position, Tables } from './fold.ts';
import { authorityFromGenesis } from './genesis.ts';
import type { AuthorityChanged, LedgerFounded } from './ledger-entry.ts';
import type { Policy } from './policy.ts';
import { minuteOf } from './minute-count.ts';
import { noteAsked, noteDecided } from './person-load.ts';
import { noteCounted } from './recent-requests.ts';
import { ruledBy } from './policy-now.ts';
import type { RequestAdmitted } from './request-entry.ts';
import { partiesTo } from './review.ts';
import { isTimed } from './seating.ts';
import { counterOf } from './signature-counter.ts';
import { parseUseClaim } from './use-claim.ts';
import type { BindingUsed, ExecutionReported } from './use-entry.ts';

/** Folds one entry into the tables, and answers the head that follows. Nothing here asks whether it may be. */
export function evolveEntry(
  fold: Fold,
  entry: Exclude<Entry, LedgerFounded>,
  position: Position,
): Head {
  if (entry.type === 'authority-changed') return evolveAuthority(fold, entry, position);
  if (entry.type === 'state-committed') {
    return { ...fold.head, committedSize: position.index + 1 };
  }
  if (entry.type === 'request-admitted') evolveAdmission(fold, entry, position);
  else if (isProgress(entry)) evolveProgress(fold, entry, position);
  else evolveEnd(fold.tables, entry);
  if (entry.type !== 'binding-made') return fold.head;
  return { ...fold.head, bindings: fold.head.bindings + 1 };
}

type ActionEntry = Exclude<
  Entry,
  { type: 'ledger-founded' | 'authority-changed' | 'state-committed' }
>;
type EndEntry = Extract<Entry, { type: 'request-denied' | 'request-expired' }>;
type RefusalEntry = Extract<
  Entry,
  { type: 'request-refused' | 'decision-refused' | 'use-refused' | 'finding-raised' }
>;
type ProgressEntry = Exclude<ActionEntry, EndEntry | RefusalEntry | RequestAdmitted>;

const PROGRESS: ReadonlySet<string> = new Set<ProgressEntry['type']>([
  'decision-accepted',
  'binding-made',
  'binding-revoked',
  'binding-used',
  'execution-reported',
  'content-erased',
]);

function isProgress(entry: Exclude<ActionEntry, RequestAdmitted>): entry is ProgressEntry {
  return PROGRESS.has(entry.type);
}

function evolveProgress({ tables, head }: Fold, entry: ProgressEntry, position: Position): void {
  switch (entry.type) {
    case 'decision-accepted':
      evolveDecision(tables, entry, position);
      if (head.rules > 1) {
        noteDecided(tables.load, entry.statement.person, timestampMs(entry.at));
      }
      return;
    case 'binding-made':
      evolveBinding(tables, entry, position);
      return;
    case 'binding-revoked':
      evolveRevocation(tables, entry, position);
      return;
    case 'binding-used':
      evolveUse(tables, entry, position);
      return;
    case 'execution-reported':
      evolveReport(tables, entry, position);
      return;
    case 'content-erased':
      tables.actions.set({
        ...knownAction(tables, entry.action_id),
        erasedIndex: position.index,
      });
  }
}

function evolveEnd(tables: Tables, entry: EndEntry | RefusalEntry): void {
  switch (entry.type) {
    case 'request-denied':
      closeAction(tables, knownAction(tables, entry.action_id), 'denied');
      return;
    case 'request-expired':
      closeAction(tables, knownAction(tables, entry.action_id), 'expired');
      return;
    case 'request-refused':
    case 'decision-refused':
    case 'use-refused':
    case 'finding-raised':
      if (entry.type === 'finding-raised') evolveOverdue(tables, entry);
      evolveRefusal(tables, entry);
  }
}

/** The head of a log that has just been founded. */
export function evolveGenesis(entry: LedgerFounded, position: Position): Head {
  invariant(position.index === 0, 'a ledger is founded once');
  const authority = authorityFromGenesis(entry);
  return {
    size: 0,
    lastAtMs: 0,
    authority,
    authorityRef: { ...position, root: authority.root },
    genesis: position.leaf,
    rules: entry.rules_version,
    policy: entry.policy,
    committedSize: 0,
    forgottenHour: 0,
    bindings: 0,
  };
}

function evolveAuthority(
  { head, tables }: Fold,
  entry: AuthorityChanged,
  position: Position,
): Head {
  const atMs = timestampMs(entry.at);
  const made =
    entry.change.change === 'bound'
      ? parseAuthorityChange(changeOf(entry.change.action))
      : undefined;
  if (made !== undefined) evolveReview(tables, made, position.index);
  const { authority, policy } =
    entry.change.change === 'bound'
      ? boundEffect(head, changeOf(entry.change.action), atMs)
      : {
          authority: applyEnrolment(head.authority, entry.change.statement, atMs),
          policy: head.policy,
        };
  invariant(authority.root === entry.authority_root, 'a change leads to the root that it names');
  return { ...head, authority, policy, authorityRef: { ...position, root: authority.root } };
}

/** The `change` of an authority action. */
export function changeOf(actionText: string): Json {
  const effect = valueAt(parseCanonical(utf8(actionText)), '/params/change');
  invariant(effect !== undefined, 'an authority action holds its change');
  return effect;
}

function boundEffect(
  head: Head,
  effect: Json,
  atMs: number,
): { authority: AuthorityState; policy: Policy } {
  const change = parseAuthorityChange(effect);
  return {
    authority: applyChange(head.authority, change, atMs),
    policy: change.kind === 'policy-set' ? change.policy : head.policy,
  };
}

function evolveAdmission({ tables, head }: Fold, entry: RequestAdmitted, position: Position): void {
  const record = recordOf(entry, position, ruledBy(entry, head));
  invariant(tables.actions.get(record.id) === undefined, 'an action is admitted once');
  if (entry.supersedes !== undefined) {
    closeAction(tables, knownAction(tables, entry.supersedes), 'superseded');
  }
  putOpen(tables, record);
  noteCounted(tables.recent, record);
  if (head.rules > 1)
    noteAsked(tables.load, { ...entry, out: outOf(entry), atMs: timestampMs(entry.at) });
}

/** Who may not decide it, whatever its rule says. */
function outOf({ action, excluded }: RequestAdmitted): ReadonlySet<string> {
  const parties = action === undefined ? [] : partiesTo(changeOf(action));
  const named = [...excluded.map(({ person }) => person), ...parties];
  return new Set(named.filter((person) => typeof person === 'string'));
}

/** Puts in an open action with everything that it is found by. */
export function putOpen(tables: Tables, record: ActionRecord): void {
  tables.actions.set(record);
  tables.openByAdmission.set(record.admission, record.id);
  tables.openByDigest.set(record.actionDigest, record.id);
  tables.openByAgent.set(record.agent, (tables.openByAgent.get(record.agent) ?? 0) + 1);
  tables.deadlines.push({ atMs: record.decideByMs, id: record.id });
}

function evolveDecision(tables: Tables, entry: DecisionAccepted, position: Position): void {
  const { statement, proof, proof_class } = entry;
  const { claimed_dwell_ms: dwell } = statement;
  const record = knownAction(tables, entry.action_id);
  const decision: DecisionRecord = {
    leaf: position.leaf,
    index: position.index,
    statement: decisionDigest(statement),
    verdict: statement.verdict,
    person: statement.person,
    credential: statement.credential,
    notAfterMs: timestampMs(statement.not_after),
    bound: {
      leaf: position.leaf,
      ...(record.open !== undefined && isTimed(record.open.requirement) && { at: entry.at }),
      person: statement.person,
      ...(entry.for !== undefined && { for: entry.for }),
      credential: statement.credential,
      rationale_digest: statement.rationale_digest,
      not_after: statement.not_after,
      ...(dwell !== undefined && { claimed_dwell_ms: dwell }),
      proof_class,
      proof,
      ...(entry.membership !== undefined && { membership: entry.membership }),
    },
  };
  evolveCounter(tables, entry);
  tables.actions.set({
    ...record,
    decisions: [...record.decisions, decision],
    rationales: [...record.rationales, statement.rationale_digest],
  });
}

function evolveBinding(tables: Tables, entry: BindingMade, position: Position): void {
  const record: ActionRecord = {
    ...knownAction(tables, entry.action_id),
    ...brokenBy(entry),
    binding: {
      leaf: position.leaf,
      index: position.index,
      useByMs: timestampMs(entry.use_by),
      approvals: entry.decisions.map(({ person, credential, for: principal }) => ({
        person,
        credential,
        ...(principal !== undefined && { for: principal }),
      })),
      ...(entry.epoch > 0 && { epoch: entry.epoch }),
    },
  };
  closeAction(tables, record, 'bound');
  putUnreviewed(tables, record);
}

function evolveRevocation(tables: Tables, entry: BindingRevoked, position: Position): void {
  const record = knownAction(tables, entry.action_id);
  evolveCounter(tables, entry);
  closeAction(
    tables,
    {
      ...record,
      revocation: { statement: decisionDigest(entry.statement), ...position },
      rationales: [...record.rationales, entry.statement.rationale_digest],
    },
    'revoked',
  );
}

function evolveCounter(tables: Tables, entry: DecisionAccepted | BindingRevoked): void {
  const counter = counterOf(entry.proof);
  if (counter > 0) tables.counters.set(entry.statement.credential, counter);
}

export function payloadDigest(kind: 'use' | 'report', payload: Uint8Array): Digest {
  return digestBytes(`countersign/${kind}/v1`, payload);
}

function evolveUse(tables: Tables, entry: BindingUsed, position: Position): void {
  const record = knownAction(tables, entry.action_id);
  const claim = payloadDigest('use', utf8(entry.claim));
  const item = record.batch && parseUseClaim(utf8(entry.claim)).item?.index;
  const use = { useId: entry.use_id, claim, ...position, ...(item !== undefined && { item }) };
  tables.actions.set({ ...record, uses: [...record.uses, use] });
}

function evolveReport(tables: Tables, entry: ExecutionReported, position: Position): void {
  const record = knownAction(tables, entry.action_id);
  const report = { payload: payloadDigest('report', utf8(entry.report)), ...position };
  // Only actions with bounds, and batches, wait for what came of a use: the fold of every older log stays as it is.
  const isAwaited = record.bounds !== undefined || record.batch !== undefined;
  const result = isAwaited ? parseExecutionReport(utf8(entry.report)).result : undefined;
  const isUnknown = result === 'unknown';
  const isDone = record.batch !== undefined && result === 'succeeded';
  const uses = record.uses.map(({ isUnknown: wasUnknown, ...use }) => {
    if (use.useId !== entry.use_id) return { ...use, ...(wasUnknown && { isUnknown: wasUnknown }) };
    return { ...use, report, ...(isUnknown && { isUnknown }), ...(isDone && { isDone }) };
  });
  tables.actions.set({ ...record, ...resultOf(record, entry), uses });
}

function evolveRefusal(tables: Pick<Tables, 'refusals'>, entry: RefusalEntry): void {
  const sender = senderOf(entry);
  if (sender === undefined) return;
  const minute = minuteOf(timestampMs(entry.at));
  const before = tables.refusals.get(sender);
  const count = before?.minute === minute ? before.count + 1 : 1;
  tables.refusals.set(sender, { minute, count });
}

/** Counts an entry against the quota of refusals that it is part of, if it is. */
export function evolveQuota(tables: Pick<Tables, 'refusals'>, entry: Entry): void {
  if (isRefusal(entry)) evolveRefusal(tables, entry);
}

const REFUSALS: ReadonlySet<string> = new Set<RefusalEntry['type']>([
  'request-refused',
  'decision-refused',
  'use-refused',
  'finding-raised',
]);

function isRefusal(entry: Entry): entry is RefusalEntry {
  return REFUSALS.has(entry.type);
}

/** Whose quota of refusals an entry counts against. */
export function senderOf(
  entry: RefusalEntry extends infer E
    ? E extends RefusalEntry
      ? Omit<E, 'v' | 'at' | 'tenant'>
      : never
    : never,
): string | undefined {
  switch (entry.type) {
    case 'request-refused':
      return `agent ${entry.agent.id}`;
    case 'decision-refused':
      return `person ${entry.person}`;
    case 'use-refused':
      return `executor ${entry.executor}`;
    case 'finding-raised':
      if (entry.input === undefined) return undefined;
      return entry.about.executor === undefined
        ? `agent ${entry.about.agent ?? ''}`
        : `executor ${entry.about.executor}`;
  }
}
