import { leafHash, type AuthorityState, type BindingMade, type Leaf } from '@countersign/binding';
import { CanonicalError, fromUtf8, type Digest } from '@countersign/canonical';
import { checkAccepted } from './accepted-kind.ts';
import type { AuthorityChainCheck } from './authority-chain.ts';
import { checkDecisions } from './decision-check.ts';
import type { ChainLink } from './evidence.ts';
import { assertEpochOf } from './epoch-check.ts';
import { assertExclusions } from './exclusion.ts';
import { readEntry, type EntryText } from './logged-entry.ts';
import { keysShown } from './log-keys.ts';
import type { ApprovalFacts, Level } from './outcome.ts';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';
import { checkWitnesses } from './witness-check.ts';

/** A BindingSealed record of the log topic, whoever wrote it: schemas/formats/batch-and-wire.md §3. */
export interface BindingRecord {
  readonly index: number;
  readonly entry: Uint8Array;
  readonly receipt: string;
}

export interface BindingOptions {
  readonly level: Level;
  /** `authority.chain` of evidence that was made under the authority which the binding cites. */
  readonly authority?: readonly ChainLink[];
  readonly allowDemo?: boolean;
}

/** What a binding record proves by itself; only when VALID. */
export interface BindingFacts {
  readonly tenant: string;
  readonly action_id: string;
  readonly action_digest: Digest;
  readonly binding: { readonly leaf: Leaf; readonly index: number };
  readonly approvals: readonly Omit<ApprovalFacts, 'rationale'>[];
  readonly bound_at: string;
}

type BindingRun = Pick<Verification, 'trust' | 'verifySignature' | 'receipts' | 'log'> & {
  readonly chains: AuthorityChainCheck;
};

/** Schemas/formats/evidence.md §8. */
export async function checkBindingRecord(
  record: BindingRecord,
  { level, authority = [], allowDemo = false }: BindingOptions,
  run: BindingRun,
): Promise<BindingFacts> {
  const { log, chains } = run;
  const binding = bindingIn(record);
  const shown = { links: authority, cited: binding.entry.authority };
  const keys = level === 'sealed' ? undefined : await keysShown(shown, run);
  const receipts = keys === undefined ? run.receipts : run.receipts.under(keys);
  await assertLogged(record, binding, { receipts, log });
  checkAccepted(binding.entry, { ...run, allowDemo });
  if (level !== 'sealed') {
    log.begin('authority chain');
    const history = await chains.history(authority, binding.entry.authority);
    log.ok(`${history.length - 1} changes since genesis`);
    await checkHumans(binding.entry, history.at(-1)?.state, run);
  }
  if (level === 'witnessed') {
    await checkWitnesses({ ...binding, receipt: record.receipt }, { ...run, receipts });
  }
  return factsOf(binding, record.index);
}

function bindingIn({ entry }: BindingRecord): EntryText<BindingMade> {
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

/** The index beside the receipt is signed by nobody, and whoever looks the binding up would go by it. */
async function assertLogged(
  { receipt, index: claimed }: BindingRecord,
  { leaf }: EntryText<BindingMade>,
  { receipts, log }: Pick<BindingRun, 'receipts' | 'log'>,
): Promise<void> {
  log.begin('binding receipt');
  const { index, size } = await receipts.position(receipt, leafHash(leaf));
  if (index !== claimed) {
    throw new VerifyError('NOT_LOGGED', `expected the index of the receipt, ${index}`);
  }
  log.ok(`index ${index} of ${size}`);
}

/** What of steps 14, 16 and 17 needs nothing but the binding and its authority. */
async function checkHumans(
  binding: BindingMade,
  authority: AuthorityState | undefined,
  { trust, verifySignature, log }: BindingRun,
): Promise<void> {
  log.begin('registration');
  if (authority === undefined) {
    throw new VerifyError('AUTHORITY_MISSING', 'expected the authority that the binding cites');
  }
  const { tenant, demo, separation } = authority.ledger;
  const isOfLedger =
    tenant === binding.tenant && demo === binding.demo && separation === binding.separation;
  if (!isOfLedger) {
    throw new VerifyError(
      'ADMISSION_MISMATCH',
      'expected tenant, demo and separation of the ledger',
    );
  }
  assertExclusions(binding, authority);
  assertEpochOf(binding, authority);
  log.ok('tenant, agent and exclusions as the authority holds them');
  await checkDecisions({ binding, authority, trust, verifySignature, log });
}

function factsOf({ entry, leaf }: EntryText<BindingMade>, index: number): BindingFacts {
  return {
    tenant: entry.tenant,
    action_id: entry.action_id,
    action_digest: entry.action_digest,
    binding: { leaf, index },
    approvals: entry.decisions.map(({ person, credential, proof_class }) => ({
      person,
      credential,
      proof_class,
    })),
    bound_at: entry.at,
  };
}
