import { fromBase64url, utf8, type VerifySignature } from '@countersign/canonical';
import {
  BindingError,
  parseExecutionReport,
  parseUseClaim,
  shortIdOf,
  signedMessage,
  type AuthorityState,
  type BindingMade,
  type BindingUsed,
  type ExecutionReported,
  type Leaf,
  type UseClaim,
} from '@countersign/binding';
import { violatedBound } from '@countersign/descriptors';
import { assertItem, assertItems } from './batch-check.ts';
import { checkReceipt } from './log-check.ts';
import { says } from './same-json.ts';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

/** What a use has to agree with. */
export interface UsedBinding {
  readonly entry: BindingMade;
  readonly leaf: Leaf;
}

/**
 * Step 18 of schemas/formats/evidence.md §5: what came after the binding. It takes nothing away from the fact that it
 * was bound, but whatever the file shows must be true.
 */
export async function checkHistory(
  run: Verification,
  authority: AuthorityState | undefined,
): Promise<void> {
  await checkUses(run, authority);
  await checkReports(run, authority);
  assertItems(run);
  const { binding, revocations } = run.evidence;
  for (const [position, revocation] of revocations.entries()) {
    await checkReceipt(run, `revocation ${position + 1}`, revocation);
    const { action_id: actionId, binding: cited, admission } = revocation.entry;
    const isOfThis =
      actionId === binding.entry.action_id &&
      cited === binding.leaf &&
      admission === binding.entry.admission;
    if (!isOfThis) throw new VerifyError('NOT_BOUND', 'expected a revocation of this binding');
  }
}

async function checkUses(run: Verification, authority: AuthorityState | undefined): Promise<void> {
  const { uses, binding } = run.evidence;
  for (const [position, use] of uses.entries()) {
    await checkReceipt(run, `use ${position + 1}`, use);
    assertUse(use.entry, binding);
    const { claim: text, executor } = use.entry;
    await checkSigned({ kind: 'use', text, by: use.entry, executor }, run, authority);
  }
  assertDistinct(uses.map(({ entry }) => entry.use_id));
  assertDistinct(uses.map(({ entry }) => String(entry.use_number)));
}

function assertDistinct(ids: readonly string[]): void {
  if (new Set(ids).size !== ids.length) {
    throw new VerifyError('ALREADY_CONSUMED', 'expected each use once');
  }
}

/** That a use is one of this binding, and that its entry says what the executor signed. */
export function assertUse(use: BindingUsed, binding: UsedBinding): void {
  const { entry, leaf } = binding;
  const claim = readSigned(() => parseUseClaim(utf8(use.claim)));
  const { tenant, action_id, action_digest, executor } = entry;
  const expected = { tenant, action_id, binding: leaf, executor: executor.id };
  const isOfThis =
    says(use, expected) &&
    says(claim, { ...expected, use_id: use.use_id, action_digest }) &&
    use.short_id === shortIdOf(use.use_id);
  if (!isOfThis) throw new VerifyError('NOT_BOUND', 'expected a use of this binding');
  assertChosen(claim, entry);
  assertItem(claim, entry);
  if (use.use_number > entry.max_uses) {
    throw new VerifyError('ALREADY_CONSUMED', `expected at most ${entry.max_uses} uses`);
  }
  // Times of this form sort as their text does (canonical-json.md §8).
  if (use.at > entry.use_by) throw new VerifyError('EXPIRED', 'expected a use before use_by');
}

function assertChosen({ chosen }: UseClaim, { bounds }: BindingMade): void {
  const violated = bounds === undefined ? chosen && 'chosen' : violatedBound(bounds, chosen ?? {});
  if (violated === undefined) return;
  throw new VerifyError('CONSTRAINT_VIOLATED', `expected ${violated} within what was approved`);
}

async function checkReports(
  run: Verification,
  authority: AuthorityState | undefined,
): Promise<void> {
  const { uses, reports, binding } = run.evidence;
  for (const [position, report] of reports.entries()) {
    await checkReceipt(run, `report ${position + 1}`, report);
    const use = uses.find(({ entry }) => entry.use_id === report.entry.use_id);
    if (use === undefined) throw new VerifyError('USE_UNKNOWN', 'expected a report of a use here');
    assertReport(report.entry, use.entry, binding.entry);
    const signed = { kind: 'report', text: report.entry.report, by: report.entry } as const;
    await checkSigned({ ...signed, executor: use.entry.executor }, run, authority);
  }
}

function assertReport(entry: ExecutionReported, use: BindingUsed, binding: BindingMade): void {
  const report = readSigned(() => parseExecutionReport(utf8(entry.report)));
  const isOfUse =
    entry.tenant === binding.tenant &&
    entry.action_id === binding.action_id &&
    report.tenant === binding.tenant &&
    report.action_id === binding.action_id &&
    report.use_id === use.use_id &&
    report.action_digest === binding.action_digest &&
    report.executor === use.executor;
  if (!isOfUse) throw new VerifyError('USE_UNKNOWN', 'expected a report of this use');
}

function readSigned<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof BindingError)) throw error;
    throw new VerifyError('EVIDENCE_FORMAT', error.message, { cause: error });
  }
}

interface SignedText {
  readonly kind: 'use' | 'report';
  readonly text: string;
  readonly by: { readonly key_thumbprint: string; readonly signature: string };
  readonly executor: string;
}

/**
 * Executors may change their keys after the binding, in entries that this evidence does not reach: then the log alone
 * vouches for the signature, and the step says so.
 */
async function checkSigned(
  signed: SignedText,
  run: Verification,
  authority: AuthorityState | undefined,
): Promise<void> {
  const { verifySignature, log } = run;
  const executor = authority?.holderOf(signed.by.key_thumbprint);
  if (executor?.kind !== 'executor') {
    log.skip('the key is not in the authority that this evidence proves');
    return;
  }
  const isSigned =
    executor.id === signed.executor &&
    (await isSignedBy(executor.public_key, signed, verifySignature));
  if (!isSigned) {
    throw new VerifyError('SIGNATURE_INVALID', 'expected the signature of the executor');
  }
  log.ok(`signed by ${executor.id}`);
}

async function isSignedBy(
  publicKey: string,
  { kind, text, by }: SignedText,
  verifySignature: VerifySignature,
): Promise<boolean> {
  return verifySignature({
    algorithm: 'ed25519',
    publicKey: fromBase64url(publicKey),
    message: signedMessage(kind, utf8(text)),
    signature: fromBase64url(by.signature),
  });
}
