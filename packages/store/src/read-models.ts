/** Where an action stands, as a reader sees it. The ledger's own state decides; this only repeats it. */
export const ACTION_STATUSES = [
  'pending',
  'bound',
  'denied',
  'expired',
  'refused',
  'revoked',
  'superseded',
  'used',
] as const;

export type ActionStatus = (typeof ACTION_STATUSES)[number];

export interface ActionRow {
  readonly tenant: string;
  readonly actionId: string;
  readonly status: ActionStatus;
  readonly actionType: string | null;
  readonly agent: string;
  readonly executor: string | null;
  readonly actionDigest: string;
  readonly displayDigest: string | null;
  /** Index of its admission; null while only refused. */
  readonly admissionIndex: number | null;
  readonly bindingIndex: number | null;
  readonly openedAt: string;
  readonly decideBy: string | null;
  readonly useBy: string | null;
  /** Time and index of the newest entry about it. */
  readonly changedAt: string;
  readonly lastIndex: number;
  readonly uses: number;
  readonly result: string | null;
  readonly code: string | null;
  readonly erased: boolean;
}

export interface EntryRow {
  readonly index: number;
  readonly type: string;
  readonly at: string;
  readonly tenant: string;
  readonly actionId: string | null;
  readonly leaf: string;
  /** Exactly what is hashed. */
  readonly bytes: Uint8Array;
}

export interface DecisionRow {
  readonly index: number;
  readonly leaf: string;
  readonly tenant: string;
  readonly actionId: string;
  readonly person: string;
  readonly credential: string;
  readonly verdict: string;
  readonly at: string;
}

export const VERDICTS = ['approve', 'deny', 'revoke'] as const;

/** What somebody did about a request, and when they were asked. Also of what was taken back, which is no decision of its own. */
export interface DecidedRow {
  readonly index: number;
  readonly tenant: string;
  readonly person: string;
  readonly verdict: (typeof VERDICTS)[number];
  readonly at: string;
  /** Leaf of the admission that they were asked by. */
  readonly admission: string;
  /** What the entry says of the hour before it; null where it says nothing. */
  readonly load: { readonly prompts_1h: number; readonly decisions_1h: number } | null;
}

export interface AskedRow extends DecidedRow {
  /** Time of the admission. */
  readonly askedAt: string;
}

/** A use that the log holds, by what target systems record of it. */
export interface UseRow {
  readonly index: number;
  readonly tenant: string;
  readonly actionId: string;
  readonly useId: string;
  readonly shortId: string;
  readonly at: string;
}

/** A member of the authority as it was last, before the entry of this index and time took it away. */
export interface FormerMemberRow {
  readonly kind: string;
  readonly id: string;
  readonly person: string | null;
  /** Canonical JSON. */
  readonly text: string;
  readonly removedIndex: number;
  readonly removedAt: string;
}

/** A member of the authority as of the newest sealed head. */
export interface MemberRow {
  readonly kind: string;
  readonly id: string;
  /** Of its key, when it has one: agents and executors. */
  readonly thumbprint: string | null;
  readonly person: string | null;
  /** Canonical JSON. */
  readonly text: string;
  readonly sinceIndex: number;
}

export interface ContentRow {
  readonly tenant: string;
  readonly actionId: string;
  readonly kind: 'action' | 'rationale';
  readonly digest: string;
  readonly text: string;
  readonly salt: string | null;
}

/** How an input ended: by an entry, or in quarantine, where nobody's name is kept. */
export type InputOutcome =
  | { readonly kind: 'entry'; readonly index: number }
  | { readonly kind: 'quarantined'; readonly code: string };

/** A complete subtree of the log. Level 0 is the entries' own leaves: nobody sends a change for those. */
export interface NodeRow {
  readonly level: number;
  readonly index: number;
  readonly hash: Uint8Array;
}

/** Where the follower stands in the log, with what it needs to go on from there. */
export interface LogPosition {
  readonly nextOffset: number;
  readonly size: number;
  readonly hashes: readonly Uint8Array[];
  readonly intakeOffset: number;
  readonly epoch: string;
}

/**
 * Topics beside the log. The public ones are the router's, which keeps its positions here where it has nowhere else; and how
 * far the findings of the log were told to a webhook.
 */
export type SideTopic =
  | 'content'
  | 'quarantine'
  | 'action-requested'
  | 'decision-made'
  | 'use-claimed'
  | 'execution-reported'
  | 'finding-submitted'
  | 'finding-webhook';

/** One change of one row. A follower sends them in the order of the log; applying one twice changes nothing. */
export type RowChange =
  | { readonly change: 'entry'; readonly row: EntryRow }
  | { readonly change: 'node'; readonly row: NodeRow }
  | { readonly change: 'checkpoint'; readonly size: number; readonly note: string }
  /** Not of the log: a head that a quorum of witnesses has cosigned. The first note of a size stays. */
  | { readonly change: 'cosigned'; readonly size: number; readonly note: string }
  | { readonly change: 'input'; readonly digest: string; readonly index: number }
  | { readonly change: 'action-opened'; readonly row: ActionRow }
  | {
      readonly change: 'action-moved';
      readonly tenant: string;
      readonly actionId: string;
      readonly index: number;
      readonly at: string;
      /** Only what changes. */
      readonly to: Partial<
        Pick<ActionRow, 'status' | 'bindingIndex' | 'useBy' | 'uses' | 'result'>
      >;
    }
  | { readonly change: 'decision'; readonly row: DecisionRow }
  | { readonly change: 'decided'; readonly row: DecidedRow }
  | { readonly change: 'use'; readonly row: UseRow }
  | { readonly change: 'member-set'; readonly row: MemberRow }
  | { readonly change: 'member-removed'; readonly kind: string; readonly id: string }
  | { readonly change: 'former-member'; readonly row: FormerMemberRow }
  | { readonly change: 'document'; readonly digest: string; readonly text: string }
  | { readonly change: 'content'; readonly row: ContentRow }
  | { readonly change: 'content-erased'; readonly tenant: string; readonly actionId: string }
  | { readonly change: 'quarantined'; readonly digest: string; readonly code: string };

/** Positions go on from where the store MUST stand: 0 where it has read nothing yet. */
export interface ChangeSet {
  readonly rows: readonly RowChange[];
  readonly log?: { readonly from: number; readonly to: LogPosition };
  readonly side?: readonly {
    readonly topic: SideTopic;
    readonly from: number;
    readonly to: number;
  }[];
}

/** A signed head of the log. */
export interface CheckpointRow {
  readonly size: number;
  readonly note: string;
}

/** Entries from an index on. */
export interface EntryPage {
  readonly start: number;
  readonly limit: number;
}

export interface Page<T> {
  readonly rows: readonly T[];
  /** Pass it to get the rows after these; null at the end. */
  readonly cursor: string | null;
}

export interface PageRequest {
  readonly cursor?: string | null;
  readonly limit: number;
}

/** A period: from the first moment of it to the first one after it. */
export interface Period {
  readonly from?: string;
  readonly to?: string;
}

export interface ActionFilter extends PageRequest, Period {
  readonly tenant: string;
  readonly status?: ActionStatus;
  readonly type?: string;
  readonly agent?: string;
  readonly executor?: string;
  readonly code?: string;
  /** Who has decided on it, as the log accepted that. */
  readonly person?: string;
}

export interface DecidedFilter extends PageRequest, Period {
  readonly tenant: string;
  readonly person?: string;
  /** Only of the entries before this index. */
  readonly before: number;
}

/** Of a kind of member; the cursor is the one of the page before. */
export interface MemberFilter extends PageRequest {
  readonly kind: string;
  /** Whose: of credentials, and of agents that are a person's own tool. */
  readonly person?: string;
}

/** The cursor is the index of the entry before which to go on. */
export interface EntryFilter extends PageRequest, Period {
  readonly tenant: string;
  readonly types: readonly string[];
  /** Whether a row is wanted. A page may then hold fewer rows than its limit, and have more behind it. */
  readonly wanted?: (row: EntryRow) => boolean;
}

export type FindingFilter = Omit<EntryFilter, 'types'>;

export const PAGE_ROWS_MAX = 500;
export const USES_MAX = 20;
export const SCANNED_MAX = 2_000;
export const ENTRY_PAGE_MAX = 1_000;
export const DIGESTS_WANTED_MAX = 1_000;

/**
 * What people and executors read. Everything in it follows from the log and the content that is left, so it
 * may be dropped and built again at any time, to the same rows.
 *
 * Atomicity: the rows and the positions of one change set are stored together or not at all.
 * Durability: a resolved `apply` MAY be lost with the machine, but never a part of it, and never one that a
 * later one, which is kept, built on.
 * Concurrency: any number of writers and readers. A writer whose change set goes on from elsewhere than where the
 * store stands has no effect; a reader sees whole change sets.
 */
export interface ReadModels {
  /**
   * @throws StoreError STORE_MOVED: another writer was faster, nothing of it was taken; STORE_UNAVAILABLE: perhaps
   * it was, which asking again from the store's own position settles
   */
  apply(changes: ChangeSet): Promise<void>;
  /** Undefined when nothing was applied yet. */
  logPosition(): Promise<LogPosition | undefined>;
  sidePosition(topic: SideTopic): Promise<number>;

  action(tenant: string, actionId: string): Promise<ActionRow | undefined>;
  /** Newest first. */
  actions(filter: ActionFilter): Promise<Page<ActionRow>>;
  /** Those that were bound, by when: the newest first. The period is that of the binding; the cursor its index. */
  bindings(filter: ActionFilter): Promise<Page<ActionRow>>;
  /** In the order of the log; at most ENTRY_PAGE_MAX, from `start` on where it is given. */
  entriesOf(tenant: string, actionId: string, page?: EntryPage): Promise<EntryRow[]>;
  /** At most ENTRY_PAGE_MAX. */
  entries(start: number, limit: number): Promise<EntryRow[]>;
  /** The first one with this leaf hash: the same bytes may be in a log twice. */
  entryWithLeaf(leaf: string): Promise<EntryRow | undefined>;
  entriesOfType(types: readonly string[], upTo: number, from?: number): Promise<EntryRow[]>;
  /** Newest first. At most SCANNED_MAX are looked at for a page. */
  typedEntries(filter: EntryFilter): Promise<Page<EntryRow>>;
  /** The smallest index whose entry is of this time or later; the number of entries where none is. Times never go back. */
  indexFrom(at: string): Promise<number>;
  /** Entries `finding-raised`, newest first. */
  findings(filter: FindingFilter): Promise<Page<EntryRow>>;
  decisions(tenant: string, actionId: string): Promise<DecisionRow[]>;
  /** In the order of the log, so that an answer can go on where another one ended; the cursor is an index. At most ENTRY_PAGE_MAX. */
  decidedPage(filter: DecidedFilter): Promise<Page<AskedRow>>;
  /** In the order of the log. Short ids have fifty random bits: two uses can share one. At most USES_MAX. */
  usesCalled(tenant: string, shortId: string): Promise<UseRow[]>;
  member(kind: string, id: string): Promise<MemberRow | undefined>;
  memberByThumbprint(kind: string, thumbprint: string): Promise<MemberRow | undefined>;
  members(kind: string): Promise<MemberRow[]>;
  /** By id. */
  memberPage(filter: MemberFilter): Promise<Page<MemberRow>>;
  /** Those that are there no more, the one that was removed last first; one that came back and went again is there twice. */
  formerMembers(filter: MemberFilter): Promise<Page<FormerMemberRow>>;
  document(digest: string): Promise<string | undefined>;
  content(tenant: string, actionId: string): Promise<ContentRow[]>;
  input(digest: string): Promise<InputOutcome | undefined>;
  /** Of those asked for, what came of the ones that ended; at most DIGESTS_WANTED_MAX. */
  inputs(digests: readonly string[]): Promise<Map<string, InputOutcome>>;
  /** The newest one, or the smallest that covers `size`. */
  checkpoint(covering?: number): Promise<CheckpointRow | undefined>;
  /** The largest one that covers no entry beyond `size`. */
  checkpointWithin(size: number): Promise<CheckpointRow | undefined>;
  /** The newest head that a quorum of witnesses has cosigned. */
  cosigned(): Promise<CheckpointRow | undefined>;
  /** Of those asked for, the ones that are there. */
  nodes(wanted: readonly { level: number; index: number }[]): Promise<NodeRow[]>;

  /** A digest over every row of every table, in a fixed order: equal for equal read models. */
  dump(): Promise<string>;
  /** Removes every row and position, and keeps the cosigned heads: nothing in the log gives them back. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** Tells that a store has changed, whoever has changed it. */
export interface StoreSignal {
  /**
   * Calls soon after each change, and now and then without one: within a quarter of a second even where the word of a
   * change is lost. Answers how to end that.
   */
  onChange(listener: () => void): () => void;
}
