import type { PolicyEngine } from '@countersign/binding';
import type { VerifySignature } from '@countersign/canonical';
import type { Action } from '@countersign/descriptors';
import { AuthorityChainCheck } from './authority-chain.ts';
import { checkAuthority, checkRequest } from './authority-check.ts';
import { checkCedar } from './cedar-check.ts';
import { checkContent } from './content-check.ts';
import { checkDelegation } from './delegation-check.ts';
import { checkDecisions } from './decision-check.ts';
import { DocumentCache } from './document-cache.ts';
import { parseEvidence, type Evidence } from './evidence.ts';
import { assertExecutable, type Execution } from './execution.ts';
import { checkExpectations, checkTime, type Expected } from './expectation.ts';
import { checkAccepted } from './accepted-kind.ts';
import { checkBindingRecord, type BindingOptions } from './binding-record.ts';
import { checkLogged, checkOrigin, type Positions } from './log-check.ts';
import { checkLogKeys, NewestKeys } from './log-keys.ts';
import { factsOf, outcomeOf, type Level, type Outcome } from './outcome.ts';
import { checkPolicy } from './policy-check.ts';
import { ReceiptCheck } from './receipt.ts';
import type { BindingFacts, BindingRecord } from './sealed-binding.ts';
import { assertStillOpen } from './still-open.ts';
import type { Trust } from './trust.ts';
import { checkHistory } from './use-check.ts';
import { useOutcome, type UseClaimed, type UseOutcome } from './use-outcome.ts';
import type { DelegationCheck, Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';
import { checkWitnesses } from './witness-check.ts';

export interface VerifyOptions {
  readonly level: Level;
  /** Without it nothing is said about expiry: an auditor looks at what is long past. */
  readonly nowMs?: number;
  readonly skewMs?: number;
  /** Refuses what the file shows to be revoked or used up, as an executor would. */
  readonly forUse?: boolean;
  readonly allowDemo?: boolean;
  readonly expect?: Expected;
}

/**
 * Verifies evidence against one trust file, with no network. It remembers, within bounds, the checkpoints, authority
 * chains, descriptors and policies that it has verified: keep one for as long as the trust file is the same.
 */
export interface Verifier {
  /** Whether this was bound. It says nothing of whether it may run now: that is `verifyForExecution`. */
  verify(evidence: Evidence, options: VerifyOptions): Promise<Outcome>;
  /** Reads the file first; one that is malformed is REFUSED. */
  verifyFile(file: Uint8Array, options: VerifyOptions): Promise<Outcome>;
  /**
   * Whether a binding that the log topic publishes was bound, by itself: at level `human` with the authority of earlier
   * evidence. It says less than evidence (schemas/formats/evidence.md §8), so nobody runs anything on it.
   */
  verifyBinding(record: BindingRecord, options: BindingOptions): Promise<Outcome<BindingFacts>>;
  /** Whether this executor may claim a use of it now, and run exactly this action on the state as it is. */
  verifyForExecution(evidence: Evidence, execution: Execution): Promise<Outcome>;
  /** Whether a claimed use is in the log, and may still be started. */
  verifyUse(claimed: UseClaimed): Promise<UseOutcome>;
}

/**
 * @example
 * const verifier = createVerifier({ trust: parseTrust(trustFile), verifySignature });
 * const { outcome } = await verifier.verifyFile(evidenceFile, { level: 'human' });
 */
export function createVerifier(parts: {
  readonly trust: Trust;
  readonly verifySignature: VerifySignature;
  /** To evaluate policies in Cedar again. Without it, which of its rules applies is what the ledger says. */
  readonly policyEngine?: PolicyEngine;
  /** `checkDelegationTokens`. Without it, on whose behalf an agent acts is what the ledger says. */
  readonly delegationCheck?: DelegationCheck;
}): Verifier {
  const { trust, verifySignature, policyEngine, delegationCheck } = parts;
  const receipts = new ReceiptCheck(trust, verifySignature);
  const chains = new AuthorityChainCheck(trust, verifySignature);
  const documents = new DocumentCache();
  const newest = new NewestKeys();
  const shared = { trust, verifySignature, policyEngine, delegationCheck, receipts, documents };
  const remembered = { chains, newest };

  function verify(evidence: Evidence, options: VerifyOptions): Promise<Outcome> {
    const { level, nowMs, skewMs, forUse = false, allowDemo = false, expect = {} } = options;
    return outcomeOf(level, async (log) => {
      const run = { ...shared, evidence, allowDemo, log };
      const { positions, action, witnessedAt } = await checkEvidence(run, level, remembered);
      if (nowMs !== undefined) checkTime(run, { nowMs, ...(skewMs !== undefined && { skewMs }) });
      if (forUse) assertStillOpen(run);
      checkExpectations(run, action, expect);
      return {
        ...factsOf(evidence, positions),
        ...(witnessedAt !== undefined && { witnessed_at: witnessedAt }),
      };
    });
  }

  return {
    verify,
    async verifyFile(file, options) {
      try {
        return await verify(parseEvidence(file), options);
      } catch (error) {
        if (!(error instanceof VerifyError)) throw error;
        return outcomeOf(options.level, () => Promise.reject(error));
      }
    },
    verifyBinding: (record, options) =>
      outcomeOf(options.level, (log) =>
        checkBindingRecord(record, options, {
          ...shared,
          receipts: newest.receipts(receipts),
          chains,
          log,
        }),
      ),
    verifyForExecution(evidence, execution) {
      const level = execution.level ?? 'human';
      return outcomeOf(level, async (log) => {
        const run = { ...shared, evidence, allowDemo: execution.allowDemo ?? false, log };
        const { positions, action } = await checkEvidence(run, level, remembered);
        assertExecutable(run, action, execution);
        return factsOf(evidence, positions);
      });
    },
    verifyUse: (claimed) => useOutcome(claimed, newest.receipts(receipts)),
  };
}

interface Remembered {
  readonly chains: AuthorityChainCheck;
  readonly newest: NewestKeys;
}

/** All steps but those that depend on the caller: schemas/formats/evidence.md §5. */
async function checkEvidence(
  given: Verification,
  level: Level,
  remembered: Remembered,
): Promise<{ positions: Positions; action: Action | undefined; witnessedAt?: string }> {
  checkOrigin(given);
  const run = await withLogKeys(given, remembered);
  const positions = await checkLogged(run);
  const action = await checkContent(run);
  checkPolicy(run);
  checkAccepted(run.evidence.binding.entry, run);
  if (level === 'sealed') {
    await checkHistory(run, undefined);
    return { positions, action };
  }
  const authorities = await checkAuthority(run, remembered.chains);
  await checkRequest(action, authorities.admitted, run);
  await checkDelegation(action, authorities.admitted, run);
  checkCedar(action, authorities.admitted, run);
  const { trust, verifySignature, log } = run;
  const binding = run.evidence.binding.entry;
  await checkDecisions({ binding, authority: authorities.bound, trust, verifySignature, log });
  const witnessedAt =
    level === 'witnessed' ? await checkWitnesses(run.evidence.binding, run) : undefined;
  await checkHistory(run, authorities.bound);
  return { positions, action, ...(witnessedAt !== undefined && { witnessedAt }) };
}

/** Version 1 is of a log whose keys have never changed: those that are pinned are valid for every head. */
async function withLogKeys(run: Verification, remembered: Remembered): Promise<Verification> {
  if (run.evidence.version === 1) return run;
  const proven = await checkLogKeys(run, remembered.chains);
  remembered.newest.note(proven);
  return { ...run, receipts: run.receipts.under(proven.keys) };
}
