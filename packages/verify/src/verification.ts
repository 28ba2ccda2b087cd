import type { AuthorityState, PolicyEngine } from '@countersign/binding';
import type { VerifySignature } from '@countersign/canonical';
import type { Action } from '@countersign/descriptors';
import type { DocumentCache } from './document-cache.ts';
import type { Evidence } from './evidence.ts';
import type { ReceiptCheck } from './receipt.ts';
import type { StepLog } from './step-log.ts';
import type { Trust } from './trust.ts';

/** Checks the tokens of a chain again. Apart, so that a page that has to be small can do without it. */
export type DelegationCheck = (
  action: Action,
  authority: AuthorityState,
  run: Verification,
) => Promise<void>;

/** One run over one piece of evidence: what all of its steps share. */
export interface Verification {
  readonly evidence: Evidence;
  readonly trust: Trust;
  /** A demonstration ledger is accepted for this run, whatever the trust file says. */
  readonly allowDemo: boolean;
  readonly verifySignature: VerifySignature;
  /** What evaluates policies in Cedar; without it they are checked as far as plain means go. */
  readonly policyEngine: PolicyEngine | undefined;
  /** What checks the tokens of a chain; without it they are what the ledger says. */
  readonly delegationCheck: DelegationCheck | undefined;
  readonly receipts: ReceiptCheck;
  readonly documents: DocumentCache;
  readonly log: StepLog;
}
