import type { VerifySignature } from '@countersign/canonical';
import { TlogError, verifyConsistency } from '@countersign/tlog';
import { openHead, pinnedKeys } from './receipt.ts';
import { refusalOf, VerifyError, type Refusal } from './verify-error.ts';
import type { PinnedHead, Trust } from './trust.ts';

export interface HeadComparison {
  readonly trust: Trust;
  readonly verifySignature: VerifySignature;
  /** The head that was seen before. */
  readonly pinned: PinnedHead;
  /** The signed note of the head seen now. */
  readonly checkpoint: string;
  /** From the smaller to the larger size. */
  readonly proof: readonly Uint8Array[];
}

/**
 * Whether a log only grew since its head was pinned. A smaller head, or a larger one that does not continue the
 * pinned one, is `LOG_ROLLBACK`; two heads of one size with different roots are `EQUIVOCATION`, and both signed
 * notes together are the proof of it.
 */
export async function compareHeads(
  comparison: HeadComparison,
): Promise<{ readonly outcome: 'VALID' } | Refusal> {
  try {
    await assertContinues(comparison);
    return { outcome: 'VALID' };
  } catch (error) {
    return refusalOf(error);
  }
}

async function assertContinues(comparison: HeadComparison): Promise<void> {
  const { trust, verifySignature, pinned, checkpoint, proof } = comparison;
  const head = await openHead(
    checkpoint,
    { origin: trust.origin, pinnedHead: pinned },
    { keys: pinnedKeys(trust), verifySignature },
  );
  if (head.size < pinned.size) {
    throw new VerifyError(
      'LOG_ROLLBACK',
      `expected a head of at least size ${pinned.size}, got ${head.size}`,
    );
  }
  try {
    verifyConsistency({
      from: pinned.size,
      to: head.size,
      fromRoot: pinned.root,
      toRoot: head.root,
      proof,
    });
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw new VerifyError('LOG_ROLLBACK', error.message);
  }
}
