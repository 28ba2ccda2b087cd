import {
  BindingError,
  verifyMembership,
  type AuthorityState,
  type Member,
  type MemberKind,
} from '@countersign/binding';
import type { ProvenMember } from './evidence.ts';
import { sameJson } from './same-json.ts';
import { VerifyError } from './verify-error.ts';

/** What one authority's members look like in evidence, once one of each has been verified. */
interface KnownMembers {
  /** In the order of their leaves. */
  readonly members: readonly Member[];
  /** By index: the path that was verified. There is one right path only. */
  readonly paths: Map<number, readonly string[]>;
}

/** An authority lives as long as the chain that ends in it is remembered. */
const known = new WeakMap<AuthorityState, KnownMembers>();

function knownOf(authority: AuthorityState): KnownMembers {
  const remembered = known.get(authority);
  if (remembered !== undefined) return remembered;
  const fresh = { members: authority.members, paths: new Map<number, readonly string[]>() };
  known.set(authority, fresh);
  return fresh;
}

/** The member that was proven to be one of this authority. @throws VerifyError `MEMBERSHIP_INVALID` */
export function provenMember(proven: ProvenMember, authority: AuthorityState): Member {
  const { index, path } = proven;
  const { members, paths } = knownOf(authority);
  const member = members[index];
  if (member === undefined || !sameJson(member, proven.member)) {
    throw notProven('the member of the authority at that index');
  }
  if (sameJson(paths.get(index), path)) return member;
  try {
    verifyMembership({ member, index, path }, { root: authority.root, size: authority.size });
  } catch (error) {
    if (!(error instanceof BindingError)) throw error;
    throw new VerifyError('MEMBERSHIP_INVALID', error.message, { cause: error });
  }
  paths.set(index, path);
  return member;
}

export interface MemberKey {
  readonly kind: MemberKind;
  readonly id: string;
}

export function memberKey(kind: MemberKind, id: string): MemberKey {
  return { kind, id };
}

/**
 * That evidence proves these members, each once, and no others. Who is in no authority needs no proof here: they are
 * refused by name in the steps that follow.
 */
export function assertExactly(
  proven: readonly Member[],
  authority: AuthorityState,
  needed: readonly MemberKey[],
): void {
  const wanted = new Set(
    needed.filter(({ kind, id }) => authority.has(kind, id)).map(({ kind, id }) => `${kind} ${id}`),
  );
  const isWanted = ({ kind, id }: Member): boolean => wanted.delete(`${kind} ${id}`);
  if (proven.length !== wanted.size || !proven.every(isWanted)) {
    throw notProven('the ledger, the agent, the executor, and who decided, each once');
  }
}

export function notProven(expected: string): VerifyError {
  return new VerifyError('MEMBERSHIP_INVALID', `expected ${expected}`);
}
