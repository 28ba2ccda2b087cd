import type { BindingMade } from '@countersign/binding';
import { formatTimestamp, timestampMs } from '@countersign/canonical';
import type { LoggedEntry } from './logged-entry.ts';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

/** How far the ledger's clock may be ahead of those of its witnesses. */
const CLOCK_SKEW_MS = 60_000;
/** 9999-12-31T23:59:59Z, the last second that a timestamp can name. */
const LAST_SECOND = 253_402_300_799;

/**
 * The step witnesses of schemas/formats/evidence.md §5: a quorum of witnesses has cosigned the head of the binding's receipt. Answers
 * by when, by their clocks.
 */
export async function checkWitnesses(
  { receipt, entry }: Pick<LoggedEntry<BindingMade>, 'receipt' | 'entry'>,
  { trust, receipts, log }: Pick<Verification, 'trust' | 'receipts' | 'log'>,
): Promise<string> {
  log.begin('witnesses');
  const { witnessPolicy: policy } = trust;
  if (policy === undefined) {
    throw new VerifyError('WITNESS_POLICY_MISSING', 'expected a trust file with a witness policy');
  }
  const times = await receipts.cosignatureTimes(receipt, policy);
  const time = policy.quorumTime(times);
  if (time === undefined) {
    const got = `${times.size} of ${policy.witnesses.length} witnesses`;
    throw new VerifyError('WITNESS_QUORUM', `expected cosignatures of a quorum, got ${got}`);
  }
  // The witnesses saw it by then, so a ledger that says it was made later has a wrong clock, or lies.
  if (time > LAST_SECOND || timestampMs(entry.at) > time * 1_000 + CLOCK_SKEW_MS) {
    throw new VerifyError('WITNESS_TIME', 'expected a binding made before witnesses saw it');
  }
  const at = formatTimestamp(time * 1_000);
  log.ok(`${times.size} cosignatures, a quorum by ${at}`);
  return at;
}
