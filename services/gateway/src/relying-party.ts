import type { LedgerMember, RelyingParty } from '@countersign/binding';

/** The relying party whose pages this gateway serves: the one that names its first public origin. */
export function relyingPartyOf(
  { rps }: LedgerMember,
  publicOrigins: readonly string[],
): RelyingParty {
  const own = rps.find(({ origins }) => origins.some((origin) => origin === publicOrigins[0]));
  const rp = own ?? rps[0];
  if (rp === undefined) throw new Error('invariant broken: a ledger without a relying party');
  return rp;
}
