import type { Descriptor } from '@countersign/descriptors';
import type { AuthorityState } from './authority.ts';
import { BindingError } from './binding-error.ts';
import { LEDGER_EXECUTOR } from './member-check.ts';
import { isAuthorityType } from './policy.ts';
import type { Told } from './request-terms.ts';

/**
 * That an action names an executor of the authority as it is enrolled.
 *
 * @throws BindingError EXECUTOR_UNKNOWN, EXECUTOR_MISMATCH, EXECUTOR_DESCRIPTOR_MISMATCH
 */
export function assertExecutor(
  authority: AuthorityState,
  { envelope }: { readonly envelope: Told },
  descriptor: Descriptor,
): void {
  const { id, audience, descriptor_digest: interfaceDigest } = envelope.executor;
  const isAuthority = isAuthorityType(envelope.type);
  const executor = isAuthority
    ? // The ledger carries out changes of its authority itself. schemas/formats/authority.md §6.
      id === LEDGER_EXECUTOR
      ? { audiences: [authority.ledger.origin], interface_digest: descriptor.digest }
      : undefined
    : authority.get('executor', id);
  if (executor === undefined) {
    throw new BindingError('EXECUTOR_UNKNOWN', 'request: expected an executor of the authority');
  }
  if (!executor.audiences.includes(audience)) {
    throw new BindingError('EXECUTOR_MISMATCH', 'request: expected an audience of its executor');
  }
  if (executor.interface_digest !== interfaceDigest) {
    throw new BindingError(
      'EXECUTOR_DESCRIPTOR_MISMATCH',
      'request: expected the interface that its executor has',
    );
  }
}
