import type { Digest } from '@countersign/canonical';
import {
  member,
  relyingParties,
  separation,
  type Member,
  type RelyingParty,
  type Separation,
} from './authority-member.ts';
import { enrolmentStatement, type EnrolmentStatement } from './enrolment.ts';
import { head, type EntryHead } from './entry-head.ts';
import {
  authorityRef,
  credentialId,
  derSignature,
  digest,
  ed25519Signature,
  id,
  leaf,
  origin,
  personId,
  position,
  refusalCode,
  ulid,
  vkey,
  type AuthorityRef,
  type Leaf,
} from './field-shape.ts';
import { provenMembership, type ProvenMembership } from './membership.ts';
import { approvalRule, policyShape, type BootstrapRule, type Policy } from './policy.ts';
import { recoveryDelay, recoveryQuorum } from './recovery-rule.ts';
import type { RefusalCode } from './refusal-code.ts';
import { rulesVersion, type RulesVersion } from './rules-version.ts';
import {
  boolean,
  invalid,
  list,
  object,
  oneOf,
  optional,
  text,
  variant,
  type Shape,
} from './shape.ts';
import { RECONCILED_FINDINGS, type ReconciledFinding } from './submitted-finding.ts';
import { payloadText } from './use-entry.ts';

/** Leaf 0. Its leaf hash is what a trust file pins. */
export interface LedgerFounded extends EntryHead<'ledger-founded'> {
  readonly origin: string;
  readonly demo: boolean;
  readonly separation: Separation;
  readonly rps: readonly RelyingParty[];
  readonly bootstrap: BootstrapRule;
  /** Without a delay there is no recovery: schemas/formats/authority.md §13. */
  readonly recovery: { readonly quorum: number; readonly delay_h?: number };
  readonly log_keys: readonly string[];
  /** All founding members but the ledger itself, its log keys and its policy, which follow from the rest. */
  readonly members: readonly Member[];
  readonly policy: Policy;
  readonly authority_root: Digest;
  readonly rules_version: RulesVersion;
}

/** A person enrolled a key with an invitation that the authority held. */
export interface CredentialEnrolled {
  readonly change: 'credential-enrolled';
  readonly statement: EnrolmentStatement;
  readonly signature: string;
  /** By rules 2, of a person whose company account can be checked. */
  readonly identity?: ProvenMembership;
}

/** An `authority.*` action was bound; its effect is in its params. */
export interface BoundChange {
  readonly change: 'bound';
  /** The canonical action as text. */
  readonly action: string;
  readonly binding: Leaf;
  readonly binding_index: number;
}

export interface AuthorityChanged extends EntryHead<'authority-changed'> {
  readonly change: CredentialEnrolled | BoundChange;
  readonly previous: AuthorityRef;
  /** Root after the change. */
  readonly authority_root: Digest;
  readonly input?: Digest;
}

export interface ContentErased extends EntryHead<'content-erased'> {
  readonly action_id: string;
  readonly erased: readonly Digest[];
  readonly key_thumbprint: Digest;
  readonly signature: string;
  /** The signed payload, as text. */
  readonly request: string;
  readonly input: Digest;
}

export interface StateCommitted extends EntryHead<'state-committed'> {
  /** Of the fold before this entry. */
  readonly state_digest: Digest;
  /** Entries before this one. */
  readonly size: number;
}

export interface FindingAbout {
  readonly action_id?: string;
  readonly use_id?: string;
  readonly person?: string;
  readonly credential?: string;
  readonly agent?: string;
  readonly executor?: string;
  readonly count?: number;
}

/** What the ledger finds itself, that is no refusal. */
const OWN_FINDINGS = [
  'CLONE_SUSPECTED',
  'BREAK_GLASS',
  'BREAK_GLASS_UNREVIEWED',
  'RECOVERY_STARTED',
] as const;

export type Finding = RefusalCode | (typeof OWN_FINDINGS)[number] | ReconciledFinding;

/** A finding as its operator has signed it. */
export interface FindingSubmission {
  /** The signed payload, as text. */
  readonly payload: string;
  readonly key_thumbprint: Digest;
  readonly signature: string;
}

export interface FindingRaised extends EntryHead<'finding-raised'> {
  readonly finding: Finding;
  readonly about: FindingAbout;
  /** With the codes of reconciliation, and with no other. */
  readonly submission?: FindingSubmission;
  /** When it is the answer to an input. */
  readonly input?: Digest;
}

const MEMBERS_MAX = 200;
const LOG_KEYS_MAX = 8;
const ERASED_MAX = 64;
const ACTION_TEXT_MAX = 32_768;

export const ledgerFounded: Shape<LedgerFounded> = object<LedgerFounded>({
  ...head('ledger-founded'),
  origin,
  demo: boolean,
  separation,
  rps: relyingParties,
  bootstrap: approvalRule,
  recovery: object<LedgerFounded['recovery']>({
    quorum: recoveryQuorum,
    delay_h: optional(recoveryDelay),
  }),
  log_keys: list(vkey, { min: 1, max: LOG_KEYS_MAX }),
  members: list(member, { min: 1, max: MEMBERS_MAX }),
  policy: policyShape,
  authority_root: digest,
  rules_version: rulesVersion,
});

export const authorityChanged: Shape<AuthorityChanged> = object<AuthorityChanged>({
  ...head('authority-changed'),
  change: variant<AuthorityChanged['change']>('change', {
    'credential-enrolled': object<CredentialEnrolled>({
      change: oneOf('credential-enrolled'),
      statement: enrolmentStatement,
      signature: derSignature,
      identity: optional(provenMembership),
    }),
    bound: object<BoundChange>({
      change: oneOf('bound'),
      action: text(ACTION_TEXT_MAX, 2),
      binding: leaf,
      binding_index: position,
    }),
  }),
  previous: authorityRef,
  authority_root: digest,
  input: optional(digest),
});

export const contentErased: Shape<ContentErased> = object<ContentErased>({
  ...head('content-erased'),
  action_id: ulid,
  erased: list(digest, { min: 1, max: ERASED_MAX }),
  key_thumbprint: digest,
  signature: ed25519Signature,
  request: payloadText,
  input: digest,
});

export const stateCommitted: Shape<StateCommitted> = object<StateCommitted>({
  ...head('state-committed'),
  state_digest: digest,
  size: position,
});

const RECONCILED: ReadonlySet<unknown> = new Set(RECONCILED_FINDINGS);
const OWN: ReadonlySet<unknown> = new Set(OWN_FINDINGS);

const finding: Shape<Finding> = (json, path) =>
  OWN.has(json) || RECONCILED.has(json) ? (json as Finding) : refusalCode(json, path);

const findingMembers: Shape<FindingRaised> = object<FindingRaised>({
  ...head('finding-raised'),
  finding,
  about: object<FindingAbout>({
    action_id: optional(ulid),
    use_id: optional(ulid),
    person: optional(personId),
    credential: optional(credentialId),
    agent: optional(id),
    executor: optional(id),
    count: optional(position),
  }),
  submission: optional(
    object<FindingSubmission>({
      payload: payloadText,
      key_thumbprint: digest,
      signature: ed25519Signature,
    }),
  ),
  input: optional(digest),
});

/** What somebody found is there with who has signed it, and what the ledger found itself is not made to look like that. */
export const findingRaised: Shape<FindingRaised> = (json, path) => {
  const raised = findingMembers(json, path);
  const isReconciled = RECONCILED.has(raised.finding);
  const isSubmitted = raised.submission !== undefined && raised.input !== undefined;
  if (isReconciled === isSubmitted && (isReconciled || raised.submission === undefined)) {
    return raised;
  }
  throw invalid(`${path}/submission`, 'a submission with the codes of reconciliation alone');
};
