import type { AuthorityState, BindingMade } from '@countersign/binding';
import type { AuthorityChainCheck } from './authority-chain.ts';
import { checkDecisions } from './decision-check.ts';
import type { ChainLink } from './evidence.ts';
import { assertEpochOf } from './epoch-check.ts';
import { assertExclusions } from './exclusion.ts';
import { keysShown } from './log-keys.ts';
import type { Level } from './outcome.ts';
import {
  assertSealed,
  bindingFacts,
  bindingIn,
  type BindingFacts,
  type BindingRecord,
} from './sealed-binding.ts';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';
import { checkWitnesses } from './witness-check.ts';

export interface BindingOptions {
  readonly level: Level;
  /** `authority.chain` of evidence that was made under the authority which the binding cites. */
  readonly authority?: readonly ChainLink[];
  readonly allowDemo?: boolean;
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
  await assertSealed(record, binding, { ...run, receipts, allowDemo });
  if (level !== 'sealed') {
    log.begin('authority chain');
    const history = await chains.history(authority, binding.entry.authority);
    log.ok(`${history.length - 1} changes since genesis`);
    await checkHumans(binding.entry, history.at(-1)?.state, run);
  }
  if (level === 'witnessed') {
    await checkWitnesses({ ...binding, receipt: record.receipt }, { ...run, receipts });
  }
  return bindingFacts(binding, record.index);
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
