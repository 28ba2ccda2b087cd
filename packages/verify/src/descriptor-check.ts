import type { AuthorityState, BindingMade } from '@countersign/binding';
import type { Descriptor } from '@countersign/descriptors';
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
  if (isEnrolled(authority, `${type.name}/${type.version}`, digest)) return;
  throw new VerifyError('DESCRIPTOR_MISMATCH', 'expected a descriptor of the authority');
}

/** Whatever may not be asked for alone may not be asked for many times. @throws VerifyError DESCRIPTOR_MISMATCH */
export function assertItemType(batch: Descriptor | undefined, authority: AuthorityState): void {
  const of = batch?.of;
  if (of === undefined) return;
  if (isEnrolled(authority, `${of.type}/${of.typeVersion}`, of.digest)) return;
  throw new VerifyError('DESCRIPTOR_MISMATCH', 'expected items of a type of the authority');
}

function isEnrolled(authority: AuthorityState, id: string, digest: string): boolean {
  return authority.get('descriptor', id)?.digest === digest;
}
