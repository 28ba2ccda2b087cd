import { fromBase64url, timestampMs, type Digest, type Json } from '@countersign/canonical';
import type { AuthorityState } from './authority.ts';
import {
  audiences,
  descriptorId,
  personClass,
  type AgentMember,
  type ExecutorMember,
  type InvitationMember,
  type Member,
  type PersonMember,
} from './authority-member.ts';
import { BindingError } from './binding-error.ts';
import { deputyChanges, isDeputyChange, withDeputy, type DeputyChange } from './deputy.ts';
import { enrolledCredential } from './enrolled-credential.ts';
import type { EnrolmentStatement } from './enrolment.ts';
import { credentialId, digest, id, personId, time } from './field-shape.ts';
import { ed25519Key, p256Key } from './member-key.ts';
import { frozen, thawed, withFreeze, type Frozen, type Thawed } from './freeze.ts';
import { homeMoved, withHome, type HomeMoved } from './home.ts';
import {
  issuerEnrolled,
  issuerRevoked,
  withIssuer,
  type IssuerEnrolled,
  type IssuerRevoked,
} from './issuer.ts';
import { personTied, withTie, type PersonTied } from './identity-tie.ts';
import { locksOut } from './lock-out.ts';
import { assertMember, unknownMember } from './member-check.ts';
import {
  logKeyAdded,
  logKeyRemoved,
  withLogKey,
  withoutLogKey,
  type LogKeyAdded,
  type LogKeyRemoved,
} from './log-key.ts';
import { policyDigest, policyShape, typeName, type Policy } from './policy.ts';
import {
  hasOpened,
  isRecovery,
  recoveryCancelled,
  recoveryStarted,
  withRecovery,
  withoutKeysOf,
  withoutRecovery,
  type RecoveryCancelled,
  type RecoveryStarted,
} from './recovery.ts';
import { reviewed, type Reviewed } from './review.ts';
import {
  boolean,
  integer,
  invalid,
  object,
  oneOf,
  optional,
  variant,
  type Shape,
} from './shape.ts';
import { keyThumbprint } from './signed-object.ts';
import { agentSponsored, withSponsor, type AgentSponsored } from './sponsor.ts';
import { sshKeyEnrolled, sshKeyMemberOf, type SshKeyEnrolled } from './ssh-key.ts';

export interface PersonInvited {
  readonly kind: 'person-invited';
  readonly person: string;
  readonly class: PersonMember['class'];
  readonly invitation: Pick<InvitationMember, 'id' | 'public_key' | 'not_after'>;
}

export interface CredentialRevoked {
  readonly kind: 'credential-revoked';
  readonly credential_id: string;
}

export interface AgentEnrolled {
  readonly kind: 'agent-enrolled';
  readonly agent: Omit<AgentMember, 'kind' | 'key_thumbprint' | 'sponsor'>;
}

export interface ExecutorEnrolled {
  readonly kind: 'executor-enrolled';
  readonly executor: Omit<ExecutorMember, 'kind' | 'key_thumbprint'>;
}

export interface HolderRevoked {
  readonly kind: 'agent-revoked' | 'executor-revoked';
  readonly id: string;
}

export interface PolicySet {
  readonly kind: 'policy-set';
  readonly policy: Policy;
}

export interface DescriptorEnrolled {
  readonly kind: 'descriptor-enrolled';
  readonly type: string;
  readonly type_version: number;
  readonly digest: Digest;
}

/** What an action of the authority does: schemas/formats/authority.md §6. */
export type AuthorityChange =
  | PersonInvited
  | CredentialRevoked
  | AgentEnrolled
  | ExecutorEnrolled
  | HolderRevoked
  | PolicySet
  | DescriptorEnrolled
  | LogKeyAdded
  | LogKeyRemoved
  | SshKeyEnrolled
  | HomeMoved
  | IssuerEnrolled
  | IssuerRevoked
  | AgentSponsored
  | DeputyChange
  | PersonTied
  | Reviewed
  | Frozen
  | Thawed
  | RecoveryStarted
  | RecoveryCancelled;

const holderRevoked: Shape<HolderRevoked> = object<HolderRevoked>({
  kind: oneOf('agent-revoked', 'executor-revoked'),
  id,
});

const authorityChange: Shape<AuthorityChange> = variant<AuthorityChange>('kind', {
  'person-invited': object<PersonInvited>({
    kind: oneOf('person-invited'),
    person: personId,
    class: personClass,
    invitation: object<PersonInvited['invitation']>({
      id: digest,
      public_key: p256Key,
      not_after: time,
    }),
  }),
  'credential-revoked': object<CredentialRevoked>({
    kind: oneOf('credential-revoked'),
    credential_id: credentialId,
  }),
  'agent-enrolled': object<AgentEnrolled>({
    kind: oneOf('agent-enrolled'),
    agent: object<AgentEnrolled['agent']>({
      id,
      public_key: ed25519Key,
      owner: personId,
      operator: boolean,
      person: optional(personId),
    }),
  }),
  'executor-enrolled': object<ExecutorEnrolled>({
    kind: oneOf('executor-enrolled'),
    executor: object<ExecutorEnrolled['executor']>({
      id,
      public_key: ed25519Key,
      audiences,
      interface_digest: digest,
    }),
  }),
  'agent-revoked': holderRevoked,
  'executor-revoked': holderRevoked,
  'policy-set': object<PolicySet>({ kind: oneOf('policy-set'), policy: policyShape }),
  'descriptor-enrolled': object<DescriptorEnrolled>({
    kind: oneOf('descriptor-enrolled'),
    type: typeName,
    type_version: integer(1, 9_999),
    digest,
  }),
  'log-key-added': logKeyAdded,
  'log-key-removed': logKeyRemoved,
  'ssh-key-enrolled': sshKeyEnrolled,
  'home-moved': homeMoved,
  'issuer-enrolled': issuerEnrolled,
  'issuer-revoked': issuerRevoked,
  'agent-sponsored': agentSponsored,
  ...deputyChanges,
  'person-tied': personTied,
  reviewed,
  frozen,
  thawed,
  'recovery-started': recoveryStarted,
  'recovery-cancelled': recoveryCancelled,
});

/** Reads `params.change` of an authority action. @throws BindingError SCHEMA_INVALID, UNKNOWN_MEMBER, TYPE_CONFUSION */
export function parseAuthorityChange(json: Json): AuthorityChange {
  return authorityChange(json, 'change');
}

/**
 * The authority after a change, if the change is possible at that time.
 *
 * @throws BindingError MEMBER_EXISTS, MEMBER_UNKNOWN, WOULD_LOCK_OUT, LIMIT_EXCEEDED, SCHEMA_INVALID
 */
export function applyChange(
  state: AuthorityState,
  change: AuthorityChange,
  atMs: number,
): AuthorityState {
  const after = changed(state, change, atMs);
  if (locksOut(state, after, atMs)) {
    throw new BindingError('WOULD_LOCK_OUT', 'change: expected enough persons left to undo it');
  }
  return after;
}

function changed(state: AuthorityState, change: AuthorityChange, atMs: number): AuthorityState {
  if (isKeyChange(change)) return keysChanged(state, change);
  if (isFact(change)) return told(state, change, atMs);
  switch (change.kind) {
    case 'person-invited':
      return invited(state, change);
    case 'credential-revoked': {
      const credential = state.get('credential', change.credential_id);
      if (credential === undefined) throw unknownMember('credential');
      return state.retire(credential);
    }
    case 'agent-enrolled':
      return added(state, { kind: 'agent', ...change.agent, ...thumbprintOf(change.agent) });
    case 'executor-enrolled':
      return added(state, {
        kind: 'executor',
        ...change.executor,
        ...thumbprintOf(change.executor),
      });
    case 'agent-revoked':
      return removed(state, 'agent', change.id);
    case 'executor-revoked':
      return removed(state, 'executor', change.id);
    case 'policy-set':
      return state.with({ kind: 'policy', id: 'policy', digest: policyDigest(change.policy) });
    case 'descriptor-enrolled': {
      const type = { name: change.type, version: change.type_version };
      return added(state, { kind: 'descriptor', id: descriptorId(type), digest: change.digest });
    }
  }
}

/** What is told of the ledger and of its people: no key of theirs comes or goes by it, and no rule. */
type Fact =
  | Frozen
  | Thawed
  | HomeMoved
  | PersonTied
  | AgentSponsored
  | DeputyChange
  | IssuerEnrolled
  | IssuerRevoked
  | RecoveryStarted
  | RecoveryCancelled
  | Reviewed;

const FACTS: ReadonlySet<string> = new Set<Fact['kind']>([
  'home-moved',
  'person-tied',
  'agent-sponsored',
  'deputy-named',
  'deputy-revoked',
  'issuer-enrolled',
  'issuer-revoked',
  'reviewed',
  'frozen',
  'thawed',
  'recovery-started',
  'recovery-cancelled',
]);

function isFact(change: AuthorityChange): change is Fact {
  return FACTS.has(change.kind);
}

function told(state: AuthorityState, change: Fact, atMs: number): AuthorityState {
  if (isDeputyChange(change)) return withDeputy(state, change);
  switch (change.kind) {
    case 'home-moved':
      return withHome(state, change);
    case 'frozen':
    case 'thawed':
      return withFreeze(state, change);
    case 'person-tied':
      return tied(state, change);
    case 'agent-sponsored':
      return withSponsor(state, change);
    case 'issuer-enrolled':
    case 'issuer-revoked':
      return withIssuer(state, change);
    case 'recovery-started':
      return withRecovery(state, change, atMs);
    case 'recovery-cancelled':
      return withoutRecovery(state, change);
    case 'reviewed':
      // It changes nothing but what is left to be reviewed, which is no part of the authority.
      return state;
  }
}

type KeyChange = LogKeyAdded | LogKeyRemoved | SshKeyEnrolled;

function isKeyChange(change: AuthorityChange): change is KeyChange {
  return change.kind.startsWith('log-key-') || change.kind === 'ssh-key-enrolled';
}

function keysChanged(state: AuthorityState, change: KeyChange): AuthorityState {
  switch (change.kind) {
    case 'log-key-added':
      return withLogKey(state, change);
    case 'log-key-removed':
      return withoutLogKey(state, change);
    case 'ssh-key-enrolled':
      return added(state, sshKeyMemberOf(change));
  }
}

/** A person who is known may be invited again, for another key of theirs; their class never changes. */
function invited(state: AuthorityState, change: PersonInvited): AuthorityState {
  const known = state.get('person', change.person);
  if (known !== undefined && known.class !== change.class) {
    throw new BindingError('MEMBER_EXISTS', 'change: expected the class that this person has');
  }
  const person: Member = { kind: 'person', id: change.person, class: change.class };
  return added(state.with(person), {
    kind: 'invitation',
    person: change.person,
    ...change.invitation,
  });
}

/** With the invitation in the same change, no link is ever without the account that it is for. */
function tied(state: AuthorityState, change: PersonTied): AuthorityState {
  const { person, invited: by } = change;
  const after =
    by === undefined ? state : invited(state, { kind: 'person-invited', person, ...by });
  return withTie(after, change);
}

function added(state: AuthorityState, next: Member): AuthorityState {
  if (state.has(next.kind, next.id)) {
    throw new BindingError('MEMBER_EXISTS', `change: expected no ${next.kind} with this id`);
  }
  assertMember(state, next);
  return state.with(next);
}

function removed(state: AuthorityState, kind: 'agent' | 'executor', gone: string): AuthorityState {
  if (!state.has(kind, gone)) throw unknownMember(kind);
  return state.without(kind, gone);
}

function thumbprintOf(holder: { readonly public_key: string }): { key_thumbprint: Digest } {
  return { key_thumbprint: keyThumbprint(fromBase64url(holder.public_key)) };
}

/**
 * The authority after a person enrolled a credential with an invitation, which is used up by it. Whether the
 * invitation's key signed the statement, and the makers of the authenticator what they say of it, is checked before
 * (`authenticate`, or a verifier).
 *
 * @throws HumanProofError; BindingError INVITATION_INVALID, RECOVERY_NOT_DUE, MEMBER_EXISTS, DUPLICATE_KEY, SCHEMA_INVALID, TYPE_CONFUSION
 */
export function applyEnrolment(
  state: AuthorityState,
  statement: EnrolmentStatement,
  atMs: number,
): AuthorityState {
  const { ledger } = state;
  if (statement.ledger !== ledger.origin || statement.tenant !== ledger.tenant) {
    throw new BindingError('TYPE_CONFUSION', 'enrolment: expected one for this ledger');
  }
  const invitation = state.get('invitation', statement.invitation);
  if (invitation?.person !== statement.person || timestampMs(invitation.not_after) < atMs) {
    throw new BindingError('INVITATION_INVALID', 'enrolment: expected an open invitation');
  }
  if (!hasOpened(invitation, atMs)) {
    throw new BindingError('RECOVERY_NOT_DUE', 'enrolment: expected the delay to be over');
  }
  if (!ledger.rps.some((rp) => rp.id === statement.rp_id)) {
    throw invalid('enrolment/rp_id', 'an rpId of this ledger');
  }
  if (state.has('credential', statement.credential_id)) {
    throw new BindingError('MEMBER_EXISTS', 'enrolment: expected a credential not yet enrolled');
  }
  const credential = enrolledCredential(statement, atMs);
  assertMember(state, credential);
  const before = isRecovery(invitation) ? withoutKeysOf(state, statement.person) : state;
  return before.without('invitation', statement.invitation).with(credential);
}
