import { CanonicalError } from '@countersign/canonical';
import { CborError } from '@countersign/cbor';

/** What is wrong with a refused proof; schemas/formats/human-proof.md §6 and §8 and sshsig-proof.md §6 say when each is reported. */
export type AssertionWhy =
  | 'proof'
  | 'size'
  | 'credential'
  | 'client-data'
  | 'type'
  | 'challenge'
  | 'cross-origin'
  | 'origin'
  | 'authenticator-data'
  | 'rp-id'
  | 'user-present'
  | 'user-verified'
  | 'backup-state'
  | 'key'
  | 'algorithm'
  | 'signature'
  // Of an attestation alone.
  | 'attestation'
  | 'certificate'
  // Of a signature by ssh-keygen alone.
  | 'sshsig'
  | 'namespace'
  | 'hash-algorithm';

export class HumanProofError extends Error {
  override readonly name = 'HumanProofError';
  readonly code = 'ASSERTION_INVALID';
  readonly why: AssertionWhy;
  constructor(why: AssertionWhy, message: string, options?: ErrorOptions) {
    super(message, options);
    this.why = why;
  }
}

/**
 * Runs one strict decoder of the canonical or the cbor package and reports its refusal as part of the assertion.
 * Anything but their own errors is a bug of ours and propagates.
 */
export function refusing<T>(why: AssertionWhy, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof CanonicalError || error instanceof CborError)
      throw new HumanProofError(why, error.message, { cause: error });
    throw error;
  }
}
