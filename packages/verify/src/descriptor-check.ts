import type { AuthorityState, BindingMade } from '@countersign/binding';
import { VerifyError } from './verify-error.ts';

/**
 * What persons were shown follows from the descriptor: under one of the operator's own they could have signed for something else.
 *
 * @throws VerifyError DESCRIPTOR_MISMATCH
 */
export function assertDescriptor(
  { action_type: type, descriptor_digest: digest }: BindingMade,
  authority: AuthorityState,
): void {
  if (authority.get('descriptor', `${type.name}/${type.version}`)?.digest === digest) return;
  throw new VerifyError('DESCRIPTOR_MISMATCH', 'expected a descriptor of the authority');
}
