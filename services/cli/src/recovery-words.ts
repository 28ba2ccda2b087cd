import type { PendingRecovery } from '@countersign/audit';

type Span = Pick<PendingRecovery, 'opens_at' | 'ends_at'>;

/** `from … to …, unless it is cancelled`. */
export function spanWords({ opens_at: opens, ends_at: ends }: Span): string {
  return `from ${opens} to ${ends}, unless it is cancelled`;
}

/** `prs_… may get a new key from … to …, unless it is cancelled`. */
export function recoveryWords(recovery: Span & Pick<PendingRecovery, 'person'>): string {
  return `${recovery.person} may get a new key ${spanWords(recovery)}`;
}
