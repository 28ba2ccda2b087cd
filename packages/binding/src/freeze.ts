import type { AuthorityState } from './authority.ts';
import { BindingError } from './binding-error.ts';
import { EPOCH_MAX } from './epoch.ts';
import { integer, object, oneOf, type Shape } from './shape.ts';

/** Everything stops, whoever of the natural persons says so: schemas/formats/authority.md §12. */
export interface Frozen {
  readonly kind: 'frozen';
}

export interface Thawed {
  readonly kind: 'thawed';
  /** Of the freeze that it ends, so that it never ends a later one. */
  readonly epoch: number;
}

export const frozen: Shape<Frozen> = object<Frozen>({ kind: oneOf('frozen') });

export const thawed: Shape<Thawed> = object<Thawed>({
  kind: oneOf('thawed'),
  epoch: integer(1, EPOCH_MAX),
});

export const FREEZE_TYPE = 'authority.freeze';

/** How often the ledger was frozen. Bindings carry it, and those of before a freeze stay dead after it. */
export function epochOf(state: AuthorityState): number {
  return state.get('freeze', 'freeze')?.epoch ?? 0;
}

export function isFrozen(state: AuthorityState): boolean {
  return state.get('freeze', 'freeze')?.frozen === true;
}

/** @throws BindingError MEMBER_EXISTS, MEMBER_UNKNOWN, LIMIT_EXCEEDED */
export function withFreeze(state: AuthorityState, change: Frozen | Thawed): AuthorityState {
  const now = epochOf(state);
  if (change.kind === 'frozen') {
    if (isFrozen(state)) {
      throw new BindingError('MEMBER_EXISTS', 'change: expected a ledger that is not frozen');
    }
    if (now >= EPOCH_MAX) {
      throw new BindingError('LIMIT_EXCEEDED', `change: expected at most ${EPOCH_MAX} freezes`);
    }
    return state.with({ kind: 'freeze', id: 'freeze', epoch: now + 1, frozen: true });
  }
  if (!isFrozen(state) || change.epoch !== now) {
    throw new BindingError('MEMBER_UNKNOWN', 'change: expected the freeze that is in force');
  }
  return state.with({ kind: 'freeze', id: 'freeze', epoch: now, frozen: false });
}

/** What takes rights away, and the way out. */
const WORKS_FROZEN: ReadonlySet<unknown> = new Set([
  'frozen',
  'thawed',
  'credential-revoked',
  'agent-revoked',
  'executor-revoked',
  'issuer-revoked',
  'deputy-revoked',
  'recovery-started',
  'recovery-cancelled',
]);

/** Why nothing may be asked for, or bound, or used now; of a change, by its kind. */
export function refusalOfEpoch(
  state: AuthorityState,
  of: { readonly epoch: number; readonly kind?: unknown },
): 'FROZEN' | 'EPOCH_ENDED' | undefined {
  if (WORKS_FROZEN.has(of.kind)) return undefined;
  if (isFrozen(state)) return 'FROZEN';
  return of.epoch === epochOf(state) ? undefined : 'EPOCH_ENDED';
}

/** @throws BindingError FROZEN */
export function assertNotFrozen(state: AuthorityState, kind?: string): void {
  const code = refusalOfEpoch(state, { epoch: epochOf(state), kind });
  if (code !== undefined)
    throw new BindingError(code, 'request: expected a ledger that is not frozen');
}
