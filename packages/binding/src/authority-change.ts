import { fromBase64url, timestampMs, type Digest, type Json } from '@countersign/canonical';
import { HumanProofError, parseCoseKey } from '@countersign/human-proof';
import type { AuthorityState } from './authority.ts';
import { member, memberKind, type Member, type MemberKind } from './authority-member.ts';
import { BindingError, refusing } from './binding-error.ts';
import type { EnrolmentStatement } from './enrolment.ts';
import { locksOut } from './lock-out.ts';
import { policyDigest, policyShape, type Policy } from './policy.ts';
import { invalid, object, oneOf, text, variant, type Shape } from './shape.ts';
import { keyThumbprint } from './signed-object.ts';

/** A new member. */
export interface MemberAdded {
  readonly op: 'add';
  readonly member: Member;
}

/** An agent, executor or descriptor in place of the one with its id. */
export interface MemberReplaced {
  readonly op: 'replace';
  readonly member: Member;
}

export interface MemberRemoved {
  readonly op: 'remove';
  readonly kind: MemberKind;
  readonly id: string;
}

export interface PolicySet {
  readonly op: 'policy-set';
  readonly policy: Policy;
}

/** From `solo` to `full`. There is no way back. */
export interface SeparationRaised {
  readonly op: 'separation-full';
}

/** What an `authority.change` action does: schemas/formats/authority.md §6. */
export type AuthorityChange =
  MemberAdded | MemberReplaced | MemberRemoved | PolicySet | SeparationRaised;

const MEMBER_ID_MAX = 1_400;

const authorityChange: Shape<AuthorityChange> = variant<AuthorityChange>('op', {
  add: object<MemberAdded>({ op: oneOf('add'), member }),
  replace: object<MemberReplaced>({ op: oneOf('replace'), member }),
  remove: object<MemberRemoved>({ op: oneOf('remove'), kind: memberKind, id: text(MEMBER_ID_MAX) }),
  'policy-set': object<PolicySet>({ op: oneOf('policy-set'), policy: policyShape }),
  'separation-full': object<SeparationRaised>({ op: oneOf('separation-full') }),
});

/** Reads `params.change` of an authority action. @throws BindingError SCHEMA_INVALID, UNKNOWN_MEMBER, TYPE_CONFUSION */
export function parseAuthorityChange(json: Json): AuthorityChange {
  return authorityChange(json, 'change');
}

/** A key comes with an invitation and its proof of possession only, so nobody can add one in another's name. */
const ADDABLE: ReadonlySet<MemberKind> = new Set<MemberKind>([
  'person',
  'invitation',
  'agent',
  'executor',
  'descriptor',
  'log-key',
]);
const REPLACEABLE: ReadonlySet<MemberKind> = new Set<MemberKind>([
  'agent',
  'executor',
  'descriptor',
]);
const REMOVABLE: ReadonlySet<MemberKind> = new Set<MemberKind>([...ADDABLE, 'credential']);

/**
 * The authority after a change, if the change is possible at that time.
 *
 * @throws BindingError MEMBER_EXISTS, MEMBER_UNKNOWN, WOULD_LOCK_OUT, SCHEMA_INVALID
 */
export function applyChange(
  state: AuthorityState,
  change: AuthorityChange,
  atMs: number,
): AuthorityState {
  const after = changed(state, change);
  if (locksOut(state, after, atMs)) {
    throw new BindingError('WOULD_LOCK_OUT', 'change: expected enough persons left to undo it');
  }
  return after;
}

function changed(state: AuthorityState, change: AuthorityChange): AuthorityState {
  switch (change.op) {
    case 'add':
      return added(state, change.member);
    case 'replace':
      return replaced(state, change.member);
    case 'remove':
      return removed(state, change);
    case 'policy-set':
      return state.with({ kind: 'policy', id: 'policy', digest: policyDigest(change.policy) });
    case 'separation-full':
      if (state.ledger.separation === 'full') {
        throw new BindingError('MEMBER_EXISTS', 'change: expected separation solo before');
      }
      return state.with({ ...state.ledger, separation: 'full' });
  }
}

function added(state: AuthorityState, next: Member): AuthorityState {
  if (!ADDABLE.has(next.kind)) throw invalid('change/member', 'a kind that can be added');
  if (state.has(next.kind, next.id)) {
    throw new BindingError('MEMBER_EXISTS', `change: expected no ${next.kind} with this id`);
  }
  assertMember(state, next);
  return state.with(next);
}

function replaced(state: AuthorityState, next: Member): AuthorityState {
  if (!REPLACEABLE.has(next.kind)) throw invalid('change/member', 'a kind that can be replaced');
  if (!state.has(next.kind, next.id)) throw unknownMember(next.kind);
  const without = state.without(next.kind, next.id);
  assertMember(without, next);
  return state.with(next);
}

function removed(state: AuthorityState, gone: MemberRemoved): AuthorityState {
  if (!REMOVABLE.has(gone.kind)) throw invalid('change/kind', 'a kind that can be removed');
  if (!state.has(gone.kind, gone.id)) throw unknownMember(gone.kind);
  const credential = gone.kind === 'credential' ? state.get('credential', gone.id) : undefined;
  if (credential !== undefined) return state.retire(credential);
  const after = state.without(gone.kind, gone.id);
  return gone.kind === 'person' ? withoutKeysOf(after, gone.id) : after;
}

/** Who leaves takes their keys and invitations along; agents of theirs must be handed over first. */
function withoutKeysOf(state: AuthorityState, person: string): AuthorityState {
  const owned = state.ofKind('agent').some((a) => a.owner === person || a.person === person);
  if (owned) throw new BindingError('MEMBER_EXISTS', 'change: expected no agent of this person');
  let after = state;
  for (const each of state.ofKind('invitation')) {
    if (each.person === person) after = after.without('invitation', each.id);
  }
  for (const each of state.ofKind('credential')) {
    if (each.person === person) after = after.retire(each);
  }
  return after;
}

function unknownMember(kind: MemberKind): BindingError {
  return new BindingError('MEMBER_UNKNOWN', `change: expected a ${kind} with this id`);
}

/** What a member must agree with among the others. @throws BindingError MEMBER_UNKNOWN, MEMBER_EXISTS, SCHEMA_INVALID */
export function assertMember(others: AuthorityState, next: Member): void {
  switch (next.kind) {
    case 'agent':
      assertPerson(others, next.owner);
      if (next.person !== undefined) assertPerson(others, next.person);
      assertOwnKey(others, next);
      return;
    case 'executor':
      assertOwnKey(others, next);
      return;
    case 'invitation':
      assertPerson(others, next.person);
      assertThumbprint(next.public_key, next.id);
      return;
    case 'credential':
      assertPerson(others, next.person);
      assertOwnCredential(others, next);
      return;
    case 'person':
    case 'log-key':
    case 'ledger':
    case 'policy':
    case 'descriptor':
      return;
  }
}

function assertPerson(state: AuthorityState, person: string): void {
  if (!state.has('person', person)) throw unknownMember('person');
}

function assertThumbprint(publicKey: string, thumbprint: string): void {
  if (keyThumbprint(fromBase64url(publicKey)) !== thumbprint) {
    throw invalid('member/public_key', 'the key of its thumbprint');
  }
}

/** Two holders of one key could not be told apart. */
function assertOwnKey(
  others: AuthorityState,
  next: { readonly public_key: string; readonly key_thumbprint: Digest },
): void {
  assertThumbprint(next.public_key, next.key_thumbprint);
  if (others.holderOf(next.key_thumbprint) !== undefined) {
    throw new BindingError('MEMBER_EXISTS', 'member: expected a key that nobody else holds');
  }
}

function assertOwnCredential(
  others: AuthorityState,
  next: { readonly id: string; readonly public_key: string },
): void {
  refusingKey(next.public_key);
  const isTaken =
    others.retiredCredential(next.id) !== undefined ||
    others.ofKind('credential').some((each) => each.public_key === next.public_key);
  // Two persons with one authenticator would fill two seats of a quorum (attack row D04).
  if (isTaken) throw new BindingError('DUPLICATE_KEY', 'credential: expected a key of its own');
}

function refusingKey(publicKey: string): void {
  try {
    parseCoseKey(refusing(() => fromBase64url(publicKey)));
  } catch (error) {
    if (!(error instanceof HumanProofError)) throw error;
    throw new BindingError('SCHEMA_INVALID', 'credential: expected a COSE key', { cause: error });
  }
}

/**
 * The authority after a person enrolled a credential with an invitation, which is used up by it. Whether the
 * invitation's key signed the statement is checked before (`authenticate`, or a verifier).
 *
 * @throws BindingError INVITATION_INVALID, MEMBER_EXISTS, DUPLICATE_KEY, SCHEMA_INVALID, TYPE_CONFUSION
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
  const isOpen =
    invitation?.person === statement.person && timestampMs(invitation.not_after) >= atMs;
  if (!isOpen) {
    throw new BindingError('INVITATION_INVALID', 'enrolment: expected an open invitation');
  }
  if (!ledger.rps.some((rp) => rp.id === statement.rp_id)) {
    throw invalid('enrolment/rp_id', 'an rpId of this ledger');
  }
  if (state.has('credential', statement.credential_id)) {
    throw new BindingError('MEMBER_EXISTS', 'enrolment: expected a credential not yet enrolled');
  }
  const credential: Member = {
    kind: 'credential',
    id: statement.credential_id,
    person: statement.person,
    public_key: statement.public_key,
    rp_id: statement.rp_id,
    backup_eligible: statement.backup_eligible,
  };
  assertMember(state, credential);
  return state.without('invitation', statement.invitation).with(credential);
}
