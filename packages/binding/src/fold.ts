import type { Digest } from '@countersign/canonical';
import { ActionTable } from './action-table.ts';
import type { AuthorityState } from './authority.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import { DraftMap } from './draft-map.ts';
import type { AuthorityRef, Leaf } from './field-shape.ts';
import type { Policy } from './policy.ts';
import { commitLoad, loadTablesOver, type LoadTables } from './person-load.ts';
import type { RecentTable } from './recent-requests.ts';
import type { RulesVersion } from './rules-version.ts';

/** Where an entry stands in the log. */
export interface Position {
  readonly index: number;
  readonly leaf: Leaf;
}

/** Bounds of the rules. All instances that write or replay one log MUST use the same. */
export interface LedgerLimits {
  readonly openPerAgentMax: number;
  readonly refusalsPerMinuteMax: number;
  readonly heldMax: number;
  readonly holdMs: number;
  /** A state-committed entry follows each time the log grew by so many entries. */
  readonly stateCommitEvery: number;
}

export const DEFAULT_LIMITS: LedgerLimits = {
  openPerAgentMax: 200,
  refusalsPerMinuteMax: 120,
  heldMax: 1_000,
  holdMs: 60_000,
  stateCommitEvery: 1_000,
};

/** What there is besides tables: replaced as a whole, so that a draft can share it. */
export interface Head {
  readonly size: number;
  /** Time of the last entry. */
  readonly lastAtMs: number;
  readonly authority: AuthorityState;
  readonly authorityRef: AuthorityRef;
  readonly genesis: Leaf;
  /** Of the founding. */
  readonly rules: RulesVersion;
  readonly policy: Policy;
  /** Size of the log after the last state-committed entry. */
  readonly committedSize: number;
  readonly forgottenHour: number;
  /** How many bindings the log has. */
  readonly bindings: number;
}

export interface Tables {
  readonly actions: ActionTable;
  /** Open actions by the leaf of their admission. */
  readonly openByAdmission: DraftMap<Leaf, string>;
  /** Open actions by action digest, for supersession. */
  readonly openByDigest: DraftMap<Digest, string>;
  readonly openByAgent: DraftMap<string, number>;
  /** Requests of the last day by agent and type, as far as a policy counts them. */
  readonly recent: RecentTable;
  readonly load: LoadTables;
  /** Refused entries of a sender in one minute of ledger time. */
  readonly refusals: DraftMap<string, { readonly minute: number; readonly count: number }>;
  readonly answered: DraftMap<Digest, { readonly atMs: number; readonly index: number }>;
  /** Signature counters of credentials that count. */
  readonly counters: DraftMap<string, number>;
  readonly deadlines: DeadlineQueue;
  /** By when it is to be reviewed what was bound by a rule for emergencies, by action, while nobody has. */
  readonly unreviewed: DraftMap<string, number>;
}

/** What an entry is folded into. */
export interface Fold {
  readonly head: Head;
  readonly tables: Tables;
}

export function tablesOver(below: Tables | undefined): Tables {
  return {
    actions: new ActionTable(below?.actions),
    openByAdmission: new DraftMap(below?.openByAdmission),
    openByDigest: new DraftMap(below?.openByDigest),
    openByAgent: new DraftMap(below?.openByAgent),
    recent: new DraftMap(below?.recent),
    load: loadTablesOver(below?.load),
    refusals: new DraftMap(below?.refusals),
    answered: new DraftMap(below?.answered),
    counters: new DraftMap(below?.counters),
    deadlines: new DeadlineQueue(below?.deadlines),
    unreviewed: new DraftMap(below?.unreviewed),
  };
}

export function commitTables(tables: Tables): void {
  tables.actions.commit();
  tables.openByAdmission.commit();
  tables.openByDigest.commit();
  tables.openByAgent.commit();
  tables.recent.commit();
  commitLoad(tables.load);
  tables.refusals.commit();
  tables.answered.commit();
  tables.counters.commit();
  tables.deadlines.commit();
  tables.unreviewed.commit();
}
