import type { AuthorityState } from './authority.ts';
import type { HomeMember } from './authority-member.ts';
import { BindingError } from './binding-error.ts';
import { tenant } from './field-shape.ts';
import { invalid, integer, object, oneOf, type Shape } from './shape.ts';

/** The ledger goes on in another partition of the topics. schemas/formats/authority.md §9 */
export interface HomeMoved {
  readonly kind: 'home-moved';
  readonly tenant: string;
  /** Shard whose log this change ends. */
  readonly from: number;
  /** Shard on which the same log goes on. */
  readonly to: number;
}

/** Every shard number is held to it, also where a ledger is founded or asked to move. */
export const SHARD_MAX = 99_999;

const shard: Shape<number> = integer(0, SHARD_MAX);

export const homeMoved: Shape<HomeMoved> = object<HomeMoved>({
  kind: oneOf('home-moved'),
  tenant,
  from: shard,
  to: shard,
});

export function homeMember(shardNumber: number): HomeMember {
  return { kind: 'home', id: String(shardNumber) };
}

/** The shard on which the log says that it lives; undefined for one that was founded without saying so, and never moved. */
export function homeOf(state: AuthorityState): number | undefined {
  const [home] = state.ofKind('home');
  return home === undefined ? undefined : Number(home.id);
}

/**
 * The authority of a ledger that has moved.
 *
 * @throws BindingError SCHEMA_INVALID, TENANT_UNKNOWN, MEMBER_UNKNOWN, MEMBER_EXISTS
 */
export function withHome(state: AuthorityState, change: HomeMoved): AuthorityState {
  const { from, to } = change;
  if (change.tenant !== state.ledger.tenant) {
    throw new BindingError('TENANT_UNKNOWN', 'change: expected the tenant of this ledger');
  }
  if (from === to) throw invalid('change/to', 'another shard');
  assertFrom(from, homeOf(state));
  // The log of a shard that was left is closed for ever: a batch that lost there must not find it open again.
  if (state.isRetiredHome(String(to))) {
    throw new BindingError('MEMBER_EXISTS', 'change: expected a shard that it never lived on');
  }
  return state.retire(homeMember(from)).with(homeMember(to));
}

/** @throws BindingError MEMBER_UNKNOWN: it does not live there, as far as is known */
export function assertFrom(from: number, home: number | undefined): void {
  if (home === undefined || from === home) return;
  throw new BindingError('MEMBER_UNKNOWN', 'change: expected the shard that it lives on');
}
