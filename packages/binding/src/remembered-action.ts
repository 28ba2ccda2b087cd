import { digestBytes, fromUtf8, type Digest } from '@countersign/canonical';
import type { Bound } from '@countersign/descriptors';
import {
  isUnreviewed,
  type ActionRecord,
  type ActionStatus,
  type BindingRecord,
  type BreakGlassRecord,
  type DecisionRecord,
  type UseRecord,
} from './action-record.ts';
import type { Batch } from './batch-item.ts';
import type { BoundDecision } from './decision-entry.ts';
import type { Verdict } from './decision-statement.ts';
import type { Leaf } from './field-shape.ts';
import { bytesOf } from './json-bytes.ts';
import type { Ruled } from './policy-now.ts';
import type { ExecutorRef, RequestAdmitted } from './request-entry.ts';

/** What the fold remembers of an action, as the state digest covers it: schemas/formats/entries.md §7. */
interface RememberedAction {
  readonly action_id: string;
  readonly action_is_erased: boolean;
  readonly action_is_open: boolean;
  /** There while two persons still have to review it. */
  readonly action_is_unreviewed?: true;
  readonly admission: Leaf;
  readonly admission_index: number;
  readonly agent: string;
  /** Not there for what is no batch. */
  readonly batch?: Batch;
  readonly binding: {
    readonly leaf: Leaf;
    readonly index: number;
    readonly use_by_ms: number;
    readonly approvals: BindingRecord['approvals'];
    readonly epoch?: number;
  } | null;
  /** Not there for an action without bounds, whose text is as it ever was. */
  readonly bounds?: readonly Bound[];
  /** Not there for one that no policy counts. */
  readonly counted_ms?: number;
  /** Not there for an action that no rule for emergencies has bound. */
  readonly break_glass?: {
    readonly review_by_ms: number;
    readonly concerned: readonly string[];
    readonly result: Exclude<BreakGlassRecord['result'], undefined> | null;
    readonly is_overdue: boolean;
    readonly reviewed: number | null;
  };
  /** By rules 2. */
  readonly ruled?: Ruled;
  readonly decide_by_ms: number;
  readonly decisions: readonly {
    readonly leaf: Leaf;
    readonly index: number;
    readonly statement: Digest;
    readonly verdict: Verdict;
    readonly person: string;
    readonly credential: string;
    readonly not_after_ms: number;
    readonly bound: BoundDecision | null;
  }[];
  readonly digest: Digest;
  readonly display_digest: Digest;
  readonly erased: number | null;
  readonly executor: ExecutorRef;
  readonly max_uses: number;
  readonly open: RequestAdmitted | null;
  readonly owner: string;
  readonly rationales: readonly Digest[];
  readonly revocation: NonNullable<ActionRecord['revocation']> | null;
  readonly start_within_ms: number;
  readonly status: ActionStatus;
  readonly type: string;
  readonly uses: readonly {
    readonly use_id: string;
    readonly leaf: Leaf;
    readonly index: number;
    readonly claim: Digest;
    readonly report: NonNullable<UseRecord['report']> | null;
    readonly unknown?: true;
    readonly item?: number;
    readonly done?: true;
  }[];
}

/** The canonical text of a record. */
export function rememberedBytes(record: ActionRecord): Uint8Array {
  const { binding } = record;
  const remembered: RememberedAction = {
    action_id: record.id,
    action_is_erased: record.erasedIndex !== undefined,
    action_is_open: record.status === 'pending',
    ...(isUnreviewed(record) && { action_is_unreviewed: true }),
    admission: record.admission,
    admission_index: record.admissionIndex,
    agent: record.agent,
    binding:
      binding === undefined
        ? null
        : {
            leaf: binding.leaf,
            index: binding.index,
            use_by_ms: binding.useByMs,
            approvals: binding.approvals,
            ...(binding.epoch !== undefined && { epoch: binding.epoch }),
          },
    ...(record.batch !== undefined && { batch: record.batch }),
    ...(record.bounds !== undefined && { bounds: record.bounds }),
    ...(record.countedMs !== undefined && { counted_ms: record.countedMs }),
    ...rememberedGlass(record),
    ...(record.ruled !== undefined && { ruled: record.ruled }),
    decide_by_ms: record.decideByMs,
    decisions: record.decisions.map(rememberedDecision),
    digest: record.actionDigest,
    display_digest: record.displayDigest,
    erased: record.erasedIndex ?? null,
    executor: record.executor,
    max_uses: record.maxUses,
    open: record.open ?? null,
    owner: record.owner,
    rationales: record.rationales,
    revocation: record.revocation ?? null,
    start_within_ms: record.startWithinMs,
    status: record.status,
    type: record.type,
    uses: record.uses.map(({ useId, leaf, index, claim, report, isUnknown, item, isDone }) => ({
      use_id: useId,
      leaf,
      index,
      claim,
      report: report ?? null,
      ...(isUnknown === true && { unknown: isUnknown }),
      ...(item !== undefined && { item }),
      ...(isDone === true && { done: isDone }),
    })),
  };
  return bytesOf(remembered);
}

function rememberedGlass({
  breakGlass: glass,
}: ActionRecord): Pick<RememberedAction, 'break_glass'> {
  if (glass === undefined) return {};
  return {
    break_glass: {
      review_by_ms: glass.reviewByMs,
      concerned: glass.concerned,
      result: glass.result ?? null,
      is_overdue: glass.isOverdue === true,
      reviewed: glass.reviewedIndex ?? null,
    },
  };
}

function glassIn({ break_glass: glass }: RememberedAction): Pick<ActionRecord, 'breakGlass'> {
  if (glass === undefined) return {};
  const { review_by_ms: reviewByMs, concerned, result, is_overdue: isOverdue, reviewed } = glass;
  return {
    breakGlass: {
      reviewByMs,
      concerned,
      ...(result !== null && { result }),
      ...(isOverdue && { isOverdue }),
      ...(reviewed !== null && { reviewedIndex: reviewed }),
    },
  };
}

function rememberedDecision(decision: DecisionRecord): RememberedAction['decisions'][number] {
  return {
    leaf: decision.leaf,
    index: decision.index,
    statement: decision.statement,
    verdict: decision.verdict,
    person: decision.person,
    credential: decision.credential,
    not_after_ms: decision.notAfterMs,
    bound: decision.bound ?? null,
  };
}

function recordIn(bytes: Uint8Array): ActionRecord {
  // Nothing is checked here: PackedAction is, by its digest, what a ledger has written.
  const remembered = JSON.parse(fromUtf8(bytes)) as RememberedAction;
  const { binding, revocation, erased } = remembered;
  return {
    id: remembered.action_id,
    status: remembered.status,
    admission: remembered.admission,
    admissionIndex: remembered.admission_index,
    actionDigest: remembered.digest,
    displayDigest: remembered.display_digest,
    type: remembered.type,
    agent: remembered.agent,
    owner: remembered.owner,
    executor: remembered.executor,
    decideByMs: remembered.decide_by_ms,
    maxUses: remembered.max_uses,
    startWithinMs: remembered.start_within_ms,
    ...(remembered.bounds !== undefined && { bounds: remembered.bounds }),
    ...(remembered.batch !== undefined && { batch: remembered.batch }),
    ...(remembered.counted_ms !== undefined && { countedMs: remembered.counted_ms }),
    ...glassIn(remembered),
    ...(remembered.ruled !== undefined && { ruled: remembered.ruled }),
    open: remembered.open ?? undefined,
    decisions: remembered.decisions.map(decisionIn),
    ...(binding !== null && {
      binding: {
        leaf: binding.leaf,
        index: binding.index,
        useByMs: binding.use_by_ms,
        approvals: binding.approvals,
        ...(binding.epoch !== undefined && { epoch: binding.epoch }),
      },
    }),
    ...(revocation !== null && { revocation }),
    uses: remembered.uses.map(({ use_id: useId, report, unknown, done, ...use }) => ({
      useId,
      ...use,
      ...(report !== null && { report }),
      ...(unknown === true && { isUnknown: unknown }),
      ...(done === true && { isDone: done }),
    })),
    rationales: remembered.rationales,
    ...(erased !== null && { erasedIndex: erased }),
  };
}

function decisionIn(decision: RememberedAction['decisions'][number]): DecisionRecord {
  return {
    leaf: decision.leaf,
    index: decision.index,
    statement: decision.statement,
    verdict: decision.verdict,
    person: decision.person,
    credential: decision.credential,
    notAfterMs: decision.not_after_ms,
    bound: decision.bound ?? undefined,
  };
}

const digests = new WeakMap<ActionRecord, Digest>();

/** Cached: records never change. */
export function recordDigest(record: ActionRecord): Digest {
  const known = digests.get(record);
  if (known !== undefined) return known;
  const digest = digestBytes('countersign/action-state/v1', rememberedBytes(record));
  digests.set(record, digest);
  return digest;
}

/** The canonical text begins with these members, since that is their order. */
const BEGINNING =
  /^\{"action_id":"([0-9A-HJKMNP-TV-Z]{26})","action_is_erased":(true|false),"action_is_open":(true|false),(?:"action_is_unreviewed":(true),)?"admission":"/;
const BEGINNING_BYTES = 160;

/**
 * A record as its text: of a million finished actions hardly any is looked at again, so none is parsed before.
 * Id, erasure, openness and what is unreviewed are read from the text itself, so its digest covers them too.
 */
export class PackedAction {
  readonly id: string;
  readonly isErased: boolean;
  readonly isOpen: boolean;
  readonly isUnreviewed: boolean;
  readonly digest: Digest;
  readonly bytes: Uint8Array;

  private constructor(
    bytes: Uint8Array,
    beginning: Pick<PackedAction, 'id' | 'isErased' | 'isOpen' | 'isUnreviewed'>,
  ) {
    this.id = beginning.id;
    this.isErased = beginning.isErased;
    this.isOpen = beginning.isOpen;
    this.isUnreviewed = beginning.isUnreviewed;
    this.bytes = bytes;
    this.digest = digestBytes('countersign/action-state/v1', bytes);
  }

  /** Undefined for what is no record at all. */
  static of(bytes: Uint8Array): PackedAction | undefined {
    const [, id, isErased, isOpen, isUnreviewed] =
      BEGINNING.exec(fromLatin1(bytes.subarray(0, BEGINNING_BYTES))) ?? [];
    if (id === undefined) return undefined;
    return new PackedAction(bytes, {
      id,
      isErased: isErased === 'true',
      isOpen: isOpen === 'true',
      isUnreviewed: isUnreviewed === 'true',
    });
  }

  /** Whether it counts for later requests. A quote within a text is written otherwise, so only the member itself is found. */
  get isCounted(): boolean {
    return fromUtf8(this.bytes).includes(',"counted_ms":');
  }

  /** MUST NOT be called before the digest was found to be what the log commits to. */
  unpack(): ActionRecord {
    const record = recordIn(this.bytes);
    digests.set(record, this.digest);
    return record;
  }
}

function fromLatin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
