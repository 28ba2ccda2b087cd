import {
  concatBytes,
  fromBase64,
  fromHex,
  toBase64,
  toHex,
  utf8,
  type Digest,
} from '@countersign/canonical';
import {
  CompactRange,
  MemoryTree,
  TlogError,
  hashLeaf,
  inclusionProof,
  verifyInclusion,
} from '@countersign/tlog';
import type { LedgerMember, Member, MemberKind, MemberOf } from './authority-member.ts';
import { BindingError, invariant, refusing } from './binding-error.ts';
import { bytesOf } from './json-bytes.ts';

const LEAF_TAG = utf8('countersign/authority-member/v1\n');

/** Proof that a member was in the authority of one root. schemas/formats/authority.md §3. */
export interface MembershipProof {
  readonly member: Member;
  readonly index: number;
  /** Sibling hashes from the leaf up, base64. */
  readonly path: readonly string[];
}

type Members = ReadonlyMap<string, Member>;
export type Retirable = MemberOf<'credential'> | MemberOf<'log-key'> | MemberOf<'home'>;

function keyOf(kind: MemberKind, id: string): string {
  // No kind holds a NUL, and it sorts before every character that one does: the order is by kind, then id.
  return `${kind}\0${id}`;
}

/**
 * The registry of who may ask, decide and run, as of one entry. A value: changes make a new one.
 */
export class AuthorityState {
  readonly #members: Members;
  /** Revoked credentials, whose signatures still name who tried and never count; removed keys of the log; and shards that it left. */
  readonly #retired: ReadonlyMap<string, Retirable>;
  readonly #byThumbprint: ReadonlyMap<string, MemberOf<'agent'> | MemberOf<'executor'>>;
  #root: Digest | undefined;

  private constructor(members: Members, retired: ReadonlyMap<string, Retirable>) {
    this.#members = members;
    this.#retired = retired;
    this.#byThumbprint = thumbprintsOf(members);
  }

  /** @throws BindingError MEMBER_EXISTS when two members share kind and id */
  static of(members: readonly Member[], retired: readonly Retirable[] = []): AuthorityState {
    const map = new Map<string, Member>();
    for (const member of members) {
      const key = keyOf(member.kind, member.id);
      if (map.has(key)) throw new BindingError('MEMBER_EXISTS', 'expected each member once');
      map.set(key, member);
    }
    return new AuthorityState(
      map,
      new Map(retired.map((each) => [keyOf(each.kind, each.id), each])),
    );
  }

  get size(): number {
    return this.#members.size;
  }

  /** In the order of their leaves. */
  get members(): readonly Member[] {
    return [...this.#members.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, member]) => member);
  }

  get ledger(): LedgerMember {
    const ledger = this.get('ledger', 'ledger');
    invariant(ledger !== undefined, 'an authority holds its ledger');
    return ledger;
  }

  get root(): Digest {
    this.#root ??= authorityRoot(this.members);
    return this.#root;
  }

  get<K extends MemberKind>(kind: K, id: string): MemberOf<K> | undefined {
    // The key begins with the kind, so what stands there has it.
    return this.#members.get(keyOf(kind, id)) as MemberOf<K> | undefined;
  }

  has(kind: MemberKind, id: string): boolean {
    return this.#members.has(keyOf(kind, id));
  }

  ofKind<K extends MemberKind>(kind: K): readonly MemberOf<K>[] {
    return this.members.filter((member): member is MemberOf<K> => member.kind === kind);
  }

  /** The agent or executor that holds the key with this thumbprint. */
  holderOf(thumbprint: string): MemberOf<'agent'> | MemberOf<'executor'> | undefined {
    return this.#byThumbprint.get(thumbprint);
  }

  /** By kind, then id. */
  get retired(): readonly Retirable[] {
    return [...this.#retired.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, member]) => member);
  }

  retiredCredential(id: string): MemberOf<'credential'> | undefined {
    const member = this.#retired.get(keyOf('credential', id));
    return member?.kind === 'credential' ? member : undefined;
  }

  isRetiredLogKey(id: string): boolean {
    return this.#retired.has(keyOf('log-key', id));
  }

  isRetiredHome(id: string): boolean {
    return this.#retired.has(keyOf('home', id));
  }

  /** Puts a member in, or in place of the one with its kind and id. The rules are in authority-change.ts. */
  with(member: Member): AuthorityState {
    const members = new Map(this.#members).set(keyOf(member.kind, member.id), member);
    return new AuthorityState(members, this.#retired);
  }

  without(kind: MemberKind, id: string): AuthorityState {
    const members = new Map(this.#members);
    members.delete(keyOf(kind, id));
    return new AuthorityState(members, this.#retired);
  }

  /** Takes a member out and remembers that it was one. */
  retire(member: Retirable): AuthorityState {
    const { kind, id } = member;
    const retired = new Map(this.#retired).set(keyOf(kind, id), member);
    return new AuthorityState(this.without(kind, id).#members, retired);
  }
}

function thumbprintsOf(
  members: Members,
): ReadonlyMap<string, MemberOf<'agent'> | MemberOf<'executor'>> {
  const holders = new Map<string, MemberOf<'agent'> | MemberOf<'executor'>>();
  for (const member of members.values()) {
    if (member.kind === 'agent' || member.kind === 'executor') {
      holders.set(member.key_thumbprint, member);
    }
  }
  return holders;
}

function memberLeaf(member: Member): Uint8Array {
  return hashLeaf(concatBytes(LEAF_TAG, bytesOf(member)));
}

/** The Merkle root over the members in their order. schemas/formats/authority.md §3. */
export function authorityRoot(members: readonly Member[]): Digest {
  const range = CompactRange.empty();
  for (const member of members) range.append(memberLeaf(member));
  return `sha256:${toHex(range.root())}`;
}

/** @throws BindingError MEMBER_UNKNOWN */
export function membershipProof(
  state: AuthorityState,
  kind: MemberKind,
  id: string,
): MembershipProof {
  const members = state.members;
  const index = members.findIndex((member) => member.kind === kind && member.id === id);
  const member = members[index];
  if (member === undefined) {
    throw new BindingError('MEMBER_UNKNOWN', `authority: expected a ${kind} with this id`);
  }
  const tree = new MemoryTree();
  for (const each of members) tree.append(memberLeaf(each));
  return { member, index, path: inclusionProof(index, tree.size, tree.node).map(toBase64) };
}

/**
 * Checks that a member was in the authority of `size` members with this root.
 *
 * @throws BindingError MEMBERSHIP_INVALID
 */
export function verifyMembership(
  proof: MembershipProof,
  authority: { readonly root: Digest; readonly size: number },
): void {
  try {
    verifyInclusion({
      leafHash: memberLeaf(proof.member),
      index: proof.index,
      size: authority.size,
      proof: proof.path.map((hash) => refusing(() => fromBase64(hash))),
      root: fromHex(authority.root.slice('sha256:'.length)),
    });
  } catch (error) {
    if (!(error instanceof TlogError) && !(error instanceof BindingError)) throw error;
    throw new BindingError('MEMBERSHIP_INVALID', 'authority: expected a member under this root', {
      cause: error,
    });
  }
}
