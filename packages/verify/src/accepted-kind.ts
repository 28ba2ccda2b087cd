import type { BindingMade } from '@countersign/binding';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

/** Steps 10 and 11 of schemas/formats/evidence.md §5: kinds of ledger that only some readers take. */
export function checkAccepted(
  { separation, demo }: BindingMade,
  { trust, allowDemo, log }: Pick<Verification, 'trust' | 'allowDemo' | 'log'>,
): void {
  log.begin('demo');
  if (demo && !allowDemo && !trust.accept.demo) {
    throw new VerifyError('DEMO_LEDGER', 'expected no ledger that was founded for a demonstration');
  }
  log.ok(demo ? 'a demonstration, as allowed' : 'no demonstration');
  log.begin('separation');
  if (!trust.accept.separation.includes(separation)) {
    throw new VerifyError('SEPARATION_NOT_ACCEPTED', `the trust file accepts no ${separation}`);
  }
  log.ok(separation);
}
