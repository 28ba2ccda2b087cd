import { utf8 } from '@countersign/canonical';
import {
  epochOf,
  isAuthorityType,
  refusalOfEpoch,
  type AuthorityState,
  type BindingMade,
} from '@countersign/binding';
import { namedAction } from './content-check.ts';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

/**
 * That an entry is of the epoch of its authority, and what was asked for is not of an older one. Only what works frozen was
 * bound while it was: schemas/formats/authority.md §12.
 */
export function assertEpoch(
  said: number,
  state: AuthorityState,
  asked: Parameters<typeof refusalOfEpoch>[1],
): void {
  const ended = said === epochOf(state) ? refusalOfEpoch(state, asked) : 'EPOCH_ENDED';
  if (ended !== undefined) throw new VerifyError(ended, 'expected what is of its epoch');
}

export function assertEpochs(
  { admitted, bound }: Readonly<Record<'admitted' | 'bound', AuthorityState>>,
  { evidence }: Verification,
): void {
  const { epoch = 0, action, action_digest: digest } = evidence.admission.entry;
  const change = action && namedAction(utf8(action), digest).envelope.params['change'];
  const { kind } = Object(change) as { readonly kind?: unknown };
  const asked = { epoch, kind };
  assertEpoch(epoch, admitted, asked);
  assertEpoch(evidence.binding.entry.epoch, bound, asked);
}

/** Of a binding alone: which change it is about does not show, so only what is none is held to it that nothing was frozen. */
export function assertEpochOf(
  { epoch, action_type: type }: BindingMade,
  authority: AuthorityState,
): void {
  assertEpoch(epoch, authority, { epoch, kind: isAuthorityType(type.name) ? 'frozen' : undefined });
}
