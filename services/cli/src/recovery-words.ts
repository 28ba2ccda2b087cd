import type { PendingRecovery } from '@countersign/audit';

/** `prs_… may get a new key from … to …, unless it is cancelled`. */
export function recoveryWords({
  person,
  opens_at: opens,
  ends_at: ends,
}: Pick<PendingRecovery, 'person' | 'opens_at' | 'ends_at'>): string {
  return `${person} may get a new key from ${opens} to ${ends}, unless it is cancelled`;
}
