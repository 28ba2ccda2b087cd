import { timestampMs, ulidTimeMs, type Digest } from '@countersign/canonical';
import type { Bound } from '@countersign/descriptors';
import type { Batch } from './batch-item.ts';
import type { BoundDecision } from './decision-entry.ts';
import type { Verdict } from './decision-statement.ts';
import type { Voiced } from './deputy.ts';
import type { ExecutionReport } from './execution-report.ts';
import type { Leaf } from './field-shape.ts';
import type { Ruled } from './policy-now.ts';
import type { ExecutorRef, RequestAdmitted } from './request-entry.ts';

export type ActionStatus = 'pending' | 'bound' | 'denied' | 'expired' | 'revoked' | 'superseded';

/** A decision that was accepted. Its proof is kept only while a binding may still need it. */
export interface DecisionRecord {
  readonly leaf: Leaf;
  readonly statement: Digest;
  readonly verdict: Verdict;
  readonly person: string;
  readonly credential: string;
  readonly notAfterMs: number;
  readonly index: number;
  readonly bound: BoundDecision | undefined;
}

export interface UseRecord {
  readonly useId: string;
  readonly index: number;
  readonly leaf: Leaf;
  /** Of the signed claim. */
  readonly claim: Digest;
  readonly report?: { readonly payload: Digest; readonly index: number; readonly leaf: Leaf };
  /** Of an action with bounds, or a batch: the last word about it is that nobody knows what came of it. */
  readonly isUnknown?: true;
  /** Of a batch: which item it was, from 0, and whether it is reported to have succeeded. */
  readonly item?: number;
  readonly isDone?: true;
}

export interface BindingRecord {
  readonly leaf: Leaf;
  readonly index: number;
  readonly useByMs: number;
  /** Absent for 0. */
  readonly epoch?: number;
  /** Who approved, by which key: checked again at each use. */
  readonly approvals: readonly (Voiced & { readonly credential: string })[];
}

/** Of an action that was bound by a rule for emergencies: schemas/formats/policy.md §11. */
export interface BreakGlassRecord {
  readonly reviewByMs: number;
  /** The owner of its agent, and whose own tool that is, in order. */
  readonly concerned: readonly string[];
  /** Of the last report. */
  readonly result?: ExecutionReport['result'];
  /** It was said that its time is over. */
  readonly isOverdue?: true;
  /** Index of the entry that closed it. */
  readonly reviewedIndex?: number;
}

/** What the fold remembers of one action. A value: changes make a new one. */
export interface ActionRecord {
  readonly id: string;
  readonly status: ActionStatus;
  readonly admission: Leaf;
  readonly admissionIndex: number;
  readonly actionDigest: Digest;
  readonly displayDigest: Digest;
  readonly type: string;
  readonly agent: string;
  readonly owner: string;
  readonly executor: ExecutorRef;
  readonly decideByMs: number;
  readonly maxUses: number;
  readonly startWithinMs: number;
  readonly bounds?: readonly Bound[];
  readonly batch?: Batch;
  /** When it was admitted, under a policy that looks at how many were. */
  readonly countedMs?: number;
  readonly breakGlass?: BreakGlassRecord;
  /** By rules 2: what it was admitted by. */
  readonly ruled?: Ruled;
  /** The whole admission, while it is open. */
  readonly open: RequestAdmitted | undefined;
  readonly decisions: readonly DecisionRecord[];
  readonly binding?: BindingRecord;
  readonly revocation?: { readonly statement: Digest; readonly index: number; readonly leaf: Leaf };
  readonly uses: readonly UseRecord[];
  /** Digests of rationales that the content store holds. */
  readonly rationales: readonly Digest[];
  /** Index of the entry that erased its content. */
  readonly erasedIndex?: number;
}

export function recordOf(
  entry: RequestAdmitted,
  position: { readonly index: number; readonly leaf: Leaf },
  ruled?: Ruled,
): ActionRecord {
  return {
    id: entry.action_id,
    status: 'pending',
    admission: position.leaf,
    admissionIndex: position.index,
    actionDigest: entry.action_digest,
    displayDigest: entry.display_digest,
    type: entry.action_type.name,
    agent: entry.agent.id,
    owner: entry.agent.owner,
    executor: entry.executor,
    decideByMs: timestampMs(entry.decide_by),
    maxUses: entry.max_uses,
    startWithinMs: entry.start_within_s * 1_000,
    ...(entry.bounds !== undefined && { bounds: entry.bounds }),
    ...(entry.batch !== undefined && { batch: entry.batch }),
    ...(entry.recent !== undefined && { countedMs: timestampMs(entry.at) }),
    ...(ruled !== undefined && { ruled }),
    open: entry,
    decisions: [],
    uses: [],
    rationales: [],
  };
}

/** The record without what only an open request needs. */
export function closed(
  record: ActionRecord,
  status: Exclude<ActionStatus, 'pending'>,
): ActionRecord {
  const decisions = record.decisions.map((decision) => ({ ...decision, bound: undefined }));
  return { ...record, status, open: undefined, decisions };
}

/** Whether two persons still have to say what they think of it. */
export function isUnreviewed({ breakGlass }: Pick<ActionRecord, 'breakGlass'>): boolean {
  return breakGlass !== undefined && breakGlass.reviewedIndex === undefined;
}

const REMEMBERED_MS = 30 * 86_400_000;

/** Whether an id may be forgotten: a request that reuses it is refused for its age alone. */
export function isForgettable(record: ActionRecord, nowMs: number): boolean {
  if (record.status === 'pending' || isUnreviewed(record)) return false;
  const lastMs = Math.max(ulidTimeMs(record.id), record.decideByMs, record.binding?.useByMs ?? 0);
  return lastMs + REMEMBERED_MS < nowMs;
}

/** Whether an id is too old to be used for something new. */
export function isIdExpired(actionId: string, nowMs: number): boolean {
  return ulidTimeMs(actionId) + REMEMBERED_MS < nowMs;
}
