import { leafHash, type BindingMade, type Leaf } from '@countersign/binding';
import {
  CanonicalError,
  fromUtf8,
  type Digest,
  type VerifySignature,
} from '@countersign/canonical';
import { checkAccepted } from './accepted-kind.ts';
import { readEntry, type EntryText } from './logged-entry.ts';
import { approversOf, outcomeOf, type ApproverFacts, type Outcome } from './outcome.ts';
import { ReceiptCheck } from './receipt.ts';
import type { Trust } from './trust.ts';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

/** A BindingSealed record of the log topic, whoever wrote it: schemas/formats/batch-and-wire.md §3. */
export interface BindingRecord {
  readonly index: number;
  readonly entry: Uint8Array;
  readonly receipt: string;
}

/** What a binding record proves by itself; only when VALID. */
export interface BindingFacts {
  readonly tenant: string;
  readonly action_id: string;
  readonly action_digest: Digest;
  readonly binding: { readonly leaf: Leaf; readonly index: number };
  readonly approvals: readonly ApproverFacts[];
  readonly bound_at: string;
}

/**
 * Whether a binding that the log topic publishes is in the log, by itself and by little code: level `sealed` of `verifyBinding`. That
 * persons have signed is what the log says here: nobody runs anything on it.
 */
export function verifySealedBinding(
  record: BindingRecord,
  parts: {
    readonly trust: Trust;
    readonly verifySignature: VerifySignature;
    readonly allowDemo?: boolean;
  },
): Promise<Outcome<BindingFacts>> {
  const { trust, verifySignature, allowDemo = false } = parts;
  return outcomeOf('sealed', async (log) => {
    const binding = bindingIn(record);
    const receipts = new ReceiptCheck(trust, verifySignature);
    await assertSealed(record, binding, { receipts, trust, allowDemo, log });
    return bindingFacts(binding, record.index);
  });
}

export function bindingIn({ entry }: BindingRecord): EntryText<BindingMade> {
  return readEntry(
    { code: 'EVIDENCE_FORMAT', path: 'record', json: textOf(entry) },
    'binding-made',
  );
}

function textOf(entry: Uint8Array): string {
  try {
    return fromUtf8(entry);
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
    throw new VerifyError('EVIDENCE_FORMAT', 'record: expected an entry of text');
  }
}

/** Steps of every level. */
export async function assertSealed(
  record: BindingRecord,
  binding: EntryText<BindingMade>,
  run: Pick<Verification, 'receipts' | 'trust' | 'allowDemo' | 'log'>,
): Promise<void> {
  await assertLogged(record, binding, run);
  checkAccepted(binding.entry, run);
}

/** The index beside the receipt is signed by nobody, and whoever looks the binding up would go by it. */
async function assertLogged(
  { receipt, index: claimed }: BindingRecord,
  { leaf }: EntryText<BindingMade>,
  { receipts, log }: Pick<Verification, 'receipts' | 'log'>,
): Promise<void> {
  log.begin('binding receipt');
  const { index, size } = await receipts.position(receipt, leafHash(leaf));
  if (index !== claimed) {
    throw new VerifyError('NOT_LOGGED', `expected the index of the receipt, ${index}`);
  }
  log.ok(`index ${index} of ${size}`);
}

export function bindingFacts({ entry, leaf }: EntryText<BindingMade>, index: number): BindingFacts {
  return {
    tenant: entry.tenant,
    action_id: entry.action_id,
    action_digest: entry.action_digest,
    binding: { leaf, index },
    approvals: approversOf(entry),
    bound_at: entry.at,
  };
}
