import { formatTimestamp, timestampMs } from '@countersign/canonical';
import type { AuthorityState } from './authority.ts';
import type { InvitationMember } from './authority-member.ts';
import { BindingError } from './binding-error.ts';
import { digest, personId } from './field-shape.ts';
import { p256Key } from './member-key.ts';
import { assertMember, unknownMember } from './member-check.ts';
import { recoveryDelay } from './recovery-rule.ts';
import { invalid, object, oneOf, type Shape } from './shape.ts';

/** A person gets a new key in the place of all that they had, once the delay of the ledger is over. */
export interface RecoveryStarted {
  readonly kind: 'recovery-started';
  readonly person: string;
  readonly invitation: Pick<InvitationMember, 'id' | 'public_key'>;
  /** What the founding says, so that persons sign for it. */
  readonly delay_h: number;
}

export interface RecoveryCancelled {
  readonly kind: 'recovery-cancelled';
  readonly person: string;
  /** Id of the invitation that it would have opened. */
  readonly invitation: string;
}

export const recoveryStarted: Shape<RecoveryStarted> = object<RecoveryStarted>({
  kind: oneOf('recovery-started'),
  person: personId,
  invitation: object<RecoveryStarted['invitation']>({ id: digest, public_key: p256Key }),
  delay_h: recoveryDelay,
});

export const recoveryCancelled: Shape<RecoveryCancelled> = object<RecoveryCancelled>({
  kind: oneOf('recovery-cancelled'),
  person: personId,
  invitation: digest,
});

export const RECOVERY_TYPE = 'authority.recovery';
export const CANCEL_TYPE = 'authority.cancel';

const HOUR_MS = 3_600_000;

/** How long the link of a recovery works, once its delay is over. */
const OPEN_MS = 168 * HOUR_MS;

/** So that whoever starts them again and again can be kept off by few signatures. */
const PENDING_MAX = 16;

/** An invitation by a recovery: one that opens later. */
export type RecoveryInvitation = InvitationMember & { readonly not_before: string };

export function isRecovery(invitation: InvitationMember): invitation is RecoveryInvitation {
  return invitation.not_before !== undefined;
}

/** Whether the delay of a recovery is over; any other invitation never had one. */
export function hasOpened({ not_before }: InvitationMember, atMs: number): boolean {
  return not_before === undefined || timestampMs(not_before) <= atMs;
}

/** Of the invitations of an authority, the recoveries that nobody has used or cancelled in their time. */
export function pendingRecoveries(
  invitations: readonly InvitationMember[],
  atMs: number,
): readonly RecoveryInvitation[] {
  return invitations.filter(isRecovery).filter(({ not_after }) => timestampMs(not_after) >= atMs);
}

/** @throws BindingError SCHEMA_INVALID, MEMBER_EXISTS, LIMIT_EXCEEDED */
export function withRecovery(
  state: AuthorityState,
  { person, invitation, delay_h: delayH }: RecoveryStarted,
  atMs: number,
): AuthorityState {
  if (state.ledger.recovery?.delay_h !== delayH) {
    throw invalid('change/delay_h', 'the delay that the founding says');
  }
  const known = state.get('person', person);
  // Only a natural person can decide, and nobody becomes one by a recovery.
  if (known !== undefined && known.class !== 'natural') {
    throw new BindingError('MEMBER_EXISTS', 'change: expected a natural person');
  }
  const pending = pendingRecoveries(state.ofKind('invitation'), atMs);
  if (pending.some((each) => each.person === person)) {
    throw new BindingError('MEMBER_EXISTS', 'change: expected no recovery of this person yet');
  }
  if (pending.length >= PENDING_MAX) {
    throw new BindingError('LIMIT_EXCEEDED', `change: expected at most ${PENDING_MAX} recoveries`);
  }
  if (state.has('invitation', invitation.id)) {
    throw new BindingError('MEMBER_EXISTS', 'change: expected no invitation with this id');
  }
  const opensMs = atMs + delayH * HOUR_MS;
  const next: RecoveryInvitation = {
    kind: 'invitation',
    person,
    ...invitation,
    not_before: formatTimestamp(opensMs),
    not_after: formatTimestamp(opensMs + OPEN_MS),
  };
  const after = state.with({ kind: 'person', id: person, class: 'natural' });
  assertMember(after, next);
  return after.with(next);
}

/** @throws BindingError MEMBER_UNKNOWN */
export function withoutRecovery(
  state: AuthorityState,
  { person, invitation: id }: RecoveryCancelled,
): AuthorityState {
  const invitation = state.get('invitation', id);
  if (invitation === undefined || !isRecovery(invitation) || invitation.person !== person) {
    throw unknownMember('invitation');
  }
  return state.without('invitation', id);
}

/** Who lost their keys, or has somebody else's hand on them, keeps none of them beside the new one. */
export function withoutKeysOf(state: AuthorityState, person: string): AuthorityState {
  let after = state;
  for (const credential of state.ofKind('credential')) {
    if (credential.person === person) after = after.retire(credential);
  }
  for (const { id, person: invited } of state.ofKind('invitation')) {
    if (invited === person) after = after.without('invitation', id);
  }
  return after;
}
