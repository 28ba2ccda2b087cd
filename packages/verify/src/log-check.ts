import { leafHash } from '@countersign/binding';
import type { LoggedEntry } from './logged-entry.ts';
import { sameJson } from './same-json.ts';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

/** Where the binding and its admission stand in the log. */
export interface Positions {
  readonly binding: number;
  readonly admission: number;
}

/** Step 1 of schemas/formats/evidence.md §5. */
export function checkOrigin({ evidence, trust, log }: Verification): void {
  log.begin('log');
  if (evidence.origin !== trust.origin) {
    throw new VerifyError(
      'LOG_KEY_UNKNOWN',
      'expected evidence of the log that the trust file pins',
    );
  }
  log.ok(trust.origin);
}

/** Steps 2 to 4: both entries are in the log, and tell the same. */
export async function checkLogged(run: Verification): Promise<Positions> {
  const { evidence, log } = run;
  const binding = await checkReceipt(run, 'binding receipt', evidence.binding);
  const admission = await checkReceipt(run, 'admission receipt', evidence.admission);
  log.begin('admission');
  assertCited({ binding, admission }, run);
  assertSameTerms(run);
  log.ok(`the binding is of the admission at index ${admission}, on the same terms`);
  return { binding, admission };
}

/** One entry is in the log of the trust file. */
export async function checkReceipt(
  run: Verification,
  name: string,
  logged: LoggedEntry<unknown>,
): Promise<number> {
  run.log.begin(name);
  const { index, size } = await run.receipts.position(logged.receipt, leafHash(logged.leaf));
  run.log.ok(`index ${index} of ${size}`);
  return index;
}

function assertCited(positions: Positions, { evidence }: Verification): void {
  const { binding, admission } = evidence;
  const isCited =
    binding.entry.admission === admission.leaf &&
    binding.entry.admission_index === positions.admission &&
    positions.admission < positions.binding;
  if (!isCited) {
    throw new VerifyError('ADMISSION_MISMATCH', 'expected the admission that the binding cites');
  }
}

/** What the binding repeats from its admission, which is what everybody who decided has cited. */
const TERMS = [
  'tenant',
  'action_id',
  'action_digest',
  'display_digest',
  'action_type',
  'descriptor_digest',
  'policy_digest',
  'requirement',
  'agent',
  'acting_for',
  'executor',
  'excluded',
  'separation',
  'demo',
  'bounds',
  'permits',
  'delegation',
  'batch',
  'confirmation',
  'escalates_at',
  'start_within_s',
  'max_uses',
] as const;

function assertSameTerms({ evidence }: Verification): void {
  const binding = evidence.binding.entry;
  const admission = evidence.admission.entry;
  const other = TERMS.find((name) => !sameJson(binding[name] ?? null, admission[name] ?? null));
  if (other !== undefined) {
    throw new VerifyError('ADMISSION_MISMATCH', `expected the admission's own ${other}`);
  }
  // Times of this form sort as their text does (canonical-json.md §8).
  const isInTime =
    admission.at <= binding.at &&
    binding.at <= admission.decide_by &&
    binding.use_by <= admission.not_after;
  if (!isInTime) {
    throw new VerifyError(
      'ADMISSION_MISMATCH',
      'expected a binding within the times of its admission',
    );
  }
}
