import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

/** What decides whether a binding has a use left, whatever the time. */
export interface UsesLeft {
  readonly isRevoked: boolean;
  readonly uses: number;
  readonly maxUses: number;
}

/** Why no executor may claim a use any more; undefined while one may. */
export function closedBy({
  isRevoked,
  uses,
  maxUses,
}: UsesLeft): 'REVOKED' | 'ALREADY_CONSUMED' | undefined {
  if (isRevoked) return 'REVOKED';
  return uses >= maxUses ? 'ALREADY_CONSUMED' : undefined;
}

/** Step 19 of schemas/formats/evidence.md §5, besides the time. */
export function assertStillOpen({ evidence, log }: Verification): void {
  const { revocations, uses, binding } = evidence;
  const { max_uses: maxUses } = binding.entry;
  log.begin('still open');
  const closed = closedBy({ isRevoked: revocations.length > 0, uses: uses.length, maxUses });
  if (closed === 'REVOKED') throw new VerifyError(closed, 'expected no revocation');
  if (closed !== undefined) throw new VerifyError(closed, `expected fewer than ${maxUses} uses`);
  log.ok(`${uses.length} of ${maxUses} uses`);
}
