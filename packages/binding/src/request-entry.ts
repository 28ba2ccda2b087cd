import type { Digest } from '@countersign/canonical';
import type { Bound, Reversibility } from '@countersign/descriptors';
import { separation, type Separation } from './authority-member.ts';
import { grants, type Grant } from './grant.ts';
import { batch, type Batch } from './batch-item.ts';
import { head, type EntryHead } from './entry-head.ts';
import {
  authorityRef,
  digest,
  ed25519Signature,
  id,
  leaf,
  personId,
  refusalCode,
  ruleId,
  time,
  ulid,
  type AuthorityRef,
  type Leaf,
} from './field-shape.ts';
import { PERMITS_MAX } from './joined-rule.ts';
import { requirement, typeName, type Requirement } from './policy.ts';
import { recent, type Recent } from './recent-counts.ts';
import type { RefusalCode } from './refusal-code.ts';
import {
  boolean,
  integer,
  list,
  matching,
  object,
  oneOf,
  optional,
  text,
  type Members,
  type Shape,
} from './shape.ts';

export interface ActionType {
  readonly name: string;
  readonly version: number;
}

export interface AgentRef {
  readonly id: string;
  readonly key_thumbprint: Digest;
  readonly owner: string;
  readonly person?: string;
  readonly sponsor?: string;
}

export interface ExecutorRef {
  readonly id: string;
  readonly audience: string;
  readonly descriptor_digest: Digest;
}

/** A person who may not approve this action, and why. */
export interface Excluded {
  readonly person: string;
  readonly code: 'OWNER_APPROVAL' | 'SELF_APPROVAL';
}

/** What both an admission and its binding say. */
export interface Terms {
  readonly action_digest: Digest;
  readonly display_digest: Digest;
  readonly action_type: ActionType;
  readonly descriptor_digest: Digest;
  readonly policy_digest: Digest;
  readonly requirement: Requirement;
  readonly agent: AgentRef;
  /** Ids of the persons in the delegation chain. */
  readonly acting_for: readonly string[];
  readonly executor: ExecutorRef;
  readonly excluded: readonly Excluded[];
  readonly separation: Separation;
  readonly demo: boolean;
  /** Within which each use chooses; absent where it has nothing to choose. */
  readonly bounds?: readonly Bound[];
  /** Of a policy in Cedar: ids of the permits that were satisfied, in order. */
  readonly permits?: readonly string[];
  /** The links that were verified, outermost first; absent where the action has no chain. */
  readonly delegation?: readonly Grant[];
  /** Of a type that runs many actions; absent for one that is a single action. */
  readonly batch?: Batch;
  /** Of what each who approves has to type; absent where the rule asks for nothing of that kind. */
  readonly confirmation?: Digest;
  /** From when the second group of its requirement decides too; absent where it has none. */
  readonly escalates_at?: string;
}

type RareTerm = 'bounds' | 'permits' | 'delegation' | 'batch' | 'confirmation' | 'escalates_at';

/** Of the terms, those that only some actions have, where this one has them. */
export function rareTerms(from: {
  readonly [Name in RareTerm]?: Terms[Name] | undefined;
}): Pick<Terms, RareTerm> {
  const { bounds, permits, delegation, batch, confirmation, escalates_at } = from;
  return {
    ...(bounds !== undefined && { bounds }),
    ...(permits !== undefined && { permits }),
    ...(delegation !== undefined && { delegation }),
    ...(batch !== undefined && { batch }),
    ...(confirmation !== undefined && { confirmation }),
    ...(escalates_at !== undefined && { escalates_at }),
  };
}

export interface RequestAdmitted extends EntryHead<'request-admitted'>, Terms {
  readonly action_id: string;
  readonly request_signature: string;
  readonly reversibility: Reversibility;
  readonly decide_by: string;
  readonly use_within_s: number;
  readonly start_within_s: number;
  readonly max_uses: number;
  readonly not_after: string;
  readonly authority: AuthorityRef;
  readonly supersedes?: string;
  /** How often the ledger had been frozen; absent for never. */
  readonly epoch?: number;
  readonly context_digest?: Digest;
  /**
   * Canonical text of an `authority.*` action: its binding takes effect in the log itself, which must not
   * depend on content that can be erased.
   */
  readonly action?: string;
  /** What of the past its policy has looked at; absent for a policy that looks at none of it. */
  readonly recent?: Recent;
  readonly input: Digest;
}

export interface RequestRefused extends EntryHead<'request-refused'> {
  /** Absent when the payload, though signed, does not parse so far. */
  readonly action_id?: string;
  readonly action_digest: Digest;
  readonly agent: { readonly id: string; readonly key_thumbprint: Digest };
  readonly code: RefusalCode;
  /** Of QUIET_HOURS: when they end. */
  readonly until?: string;
  /** Of REQUEST_OPEN: the first one that is open. */
  readonly open?: string;
  readonly input: Digest;
}

export interface RequestDenied extends EntryHead<'request-denied'> {
  readonly action_id: string;
  readonly admission: Leaf;
  /** The decision that ended it. */
  readonly decision: Leaf;
  readonly person: string;
}

/** Nobody decided in time. No person is named: attack row C17. */
export interface RequestExpired extends EntryHead<'request-expired'> {
  readonly action_id: string;
  readonly admission: Leaf;
  readonly decide_by: string;
}

const ACTING_FOR_MAX = 4;
const EXCLUDED_MAX = 7;

const money = matching(/^(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,4})?$/, 'an amount');

const bound: Shape<Bound> = object<Bound>({
  name: matching(/^[a-z][a-z0-9_]{0,31}$/, 'the name of a bound'),
  kind: oneOf('money'),
  min: money,
  max: money,
});

const BOUNDS_MAX = 8;

export const terms: Members<Terms> = {
  action_digest: digest,
  display_digest: digest,
  action_type: object<ActionType>({
    name: typeName,
    version: integer(1, 9_999),
  }),
  descriptor_digest: digest,
  policy_digest: digest,
  requirement,
  agent: object<AgentRef>({
    id,
    key_thumbprint: digest,
    owner: personId,
    person: optional(personId),
    sponsor: optional(personId),
  }),
  acting_for: list(text(400), { max: ACTING_FOR_MAX }),
  executor: object<ExecutorRef>({ id, audience: id, descriptor_digest: digest }),
  excluded: list(
    object<Excluded>({
      person: text(400),
      code: oneOf('OWNER_APPROVAL', 'SELF_APPROVAL'),
    }),
    { max: EXCLUDED_MAX },
  ),
  separation,
  demo: boolean,
  bounds: optional(list(bound, { min: 1, max: BOUNDS_MAX })),
  permits: optional(list(ruleId, { min: 1, max: PERMITS_MAX })),
  delegation: optional(grants),
  batch: optional(batch),
  confirmation: optional(digest),
  escalates_at: optional(time),
};

export const requestAdmitted: Shape<RequestAdmitted> = object<RequestAdmitted>({
  ...head('request-admitted'),
  ...terms,
  action_id: ulid,
  request_signature: ed25519Signature,
  reversibility: oneOf('read-only', 'reversible', 'externally-reversible', 'irreversible'),
  decide_by: time,
  use_within_s: integer(1),
  start_within_s: integer(1),
  max_uses: integer(1, 100),
  not_after: time,
  authority: authorityRef,
  supersedes: optional(ulid),
  epoch: optional(integer(1)),
  context_digest: optional(digest),
  action: optional(text(32_768, 2)),
  recent: optional(recent),
  input: digest,
});

export const requestRefused: Shape<RequestRefused> = object<RequestRefused>({
  ...head('request-refused'),
  action_id: optional(ulid),
  action_digest: digest,
  agent: object<RequestRefused['agent']>({ id, key_thumbprint: digest }),
  code: refusalCode,
  until: optional(time),
  open: optional(ulid),
  input: digest,
});

export const requestDenied: Shape<RequestDenied> = object<RequestDenied>({
  ...head('request-denied'),
  action_id: ulid,
  admission: leaf,
  decision: leaf,
  person: personId,
});

export const requestExpired: Shape<RequestExpired> = object<RequestExpired>({
  ...head('request-expired'),
  action_id: ulid,
  admission: leaf,
  decide_by: time,
});
