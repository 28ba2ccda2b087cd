import { leafHash, type BindingMade, type Leaf } from '@countersign/binding';
import { readEntry } from './logged-entry.ts';
import type { ReceiptCheck } from './receipt.ts';
import { assertUse } from './use-check.ts';
import { refusalOf, VerifyError, type VerifyCode } from './verify-error.ts';

/** A use that the ledger says it recorded, of a binding that was verified before. */
export interface UseClaimed {
  /** Exact text of the `binding-used` entry. */
  readonly entry: string;
  readonly receipt: string;
  readonly binding: { readonly entry: BindingMade; readonly leaf: Leaf };
  /** Id that the executor gave its claim: another one is somebody else's use. */
  readonly useId: string;
  readonly nowMs: number;
}

export interface UseOutcome {
  readonly outcome: 'VALID' | 'REFUSED' | 'INDETERMINATE';
  readonly code?: VerifyCode;
  /** Until when the execution may start; only when VALID. */
  readonly startBy?: string;
  /** What the target system records beside the execution; only when VALID. */
  readonly shortId?: string;
}

/** No skew here: starting late is the harm, and a clock that runs fast only makes the executor wait for nothing. */
export async function useOutcome(claimed: UseClaimed, receipts: ReceiptCheck): Promise<UseOutcome> {
  try {
    const place = { code: 'EVIDENCE_FORMAT', path: 'use', json: claimed.entry } as const;
    const { entry, leaf } = readEntry(place, 'binding-used');
    await receipts.position(claimed.receipt, leafHash(leaf));
    assertUse(entry, claimed.binding);
    if (entry.use_id !== claimed.useId) {
      throw new VerifyError('ALREADY_CONSUMED', 'expected the use that was claimed');
    }
    if (claimed.nowMs > Date.parse(entry.start_by)) {
      throw new VerifyError('EXPIRED', `expected a start by ${entry.start_by}`);
    }
    return { outcome: 'VALID', startBy: entry.start_by, shortId: entry.short_id };
  } catch (error) {
    return refusalOf(error);
  }
}
