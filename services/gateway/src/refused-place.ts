import { parseSignedObject } from '@countersign/binding';
import { CanonicalError } from '@countersign/canonical';
import {
  DescriptorError,
  parseAction,
  renderWithDigest,
  type Descriptor,
} from '@countersign/descriptors';
import type { RoutedFrame } from './routed-frame.ts';

/**
 * Where a request is not as its type wants it: a JSON pointer and what was expected there, never what was sent. The entry of a
 * refusal has its code alone, so that it is found again here, by the checks that the ledger makes; undefined for other refusals.
 */
export function refusedPlace(
  { kind, payload }: Pick<RoutedFrame, 'kind' | 'payload'>,
  code: string,
  descriptors: readonly Descriptor[],
): string | undefined {
  if (kind !== 'request') return undefined;
  try {
    const action = parseAction(parseSignedObject(payload).payload);
    const { type, type_version: version } = action.envelope;
    const descriptor = descriptors.find(
      (known) => known.type === type && known.typeVersion === version,
    );
    if (descriptor !== undefined) renderWithDigest(descriptor, action);
  } catch (error) {
    const isCheck = error instanceof DescriptorError || error instanceof CanonicalError;
    if (!isCheck) throw error;
    if (error.code === code) return error.message;
  }
  return undefined;
}
