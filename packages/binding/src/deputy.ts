import { timestampMs } from '@countersign/canonical';
import type { AuthorityState } from './authority.ts';
import { BindingError } from './binding-error.ts';
import { deputyTerms, type DeputyMember } from './deputy-member.ts';
import { personId } from './field-shape.ts';
import { unknownMember } from './member-check.ts';
import { isAuthorityType } from './policy.ts';
import { invalid, object, oneOf, type Shape } from './shape.ts';

/** A person decides in the place of another one for a while; an earlier deputy of theirs ends by it. */
interface DeputyNamed extends Omit<DeputyMember, 'kind' | 'id'> {
  readonly kind: 'deputy-named';
  readonly principal: string;
}

interface DeputyRevoked {
  readonly kind: 'deputy-revoked';
  readonly principal: string;
}

export type DeputyChange = DeputyNamed | DeputyRevoked;

export const deputyChanges: Readonly<Record<DeputyChange['kind'], Shape<DeputyChange>>> = {
  'deputy-named': object<DeputyNamed>({
    kind: oneOf('deputy-named'),
    principal: personId,
    ...deputyTerms,
  }),
  'deputy-revoked': object<DeputyRevoked>({
    kind: oneOf('deputy-revoked'),
    principal: personId,
  }),
};

export function isDeputyChange(change: { readonly kind: string }): change is DeputyChange {
  return change.kind === 'deputy-named' || change.kind === 'deputy-revoked';
}

const LONGEST_MS = 90 * 86_400_000;

/** @throws BindingError MEMBER_UNKNOWN, SCHEMA_INVALID */
export function withDeputy(state: AuthorityState, change: DeputyChange): AuthorityState {
  const { principal } = change;
  if (change.kind === 'deputy-revoked') {
    if (!state.has('deputy', principal)) throw unknownMember('deputy');
    return state.without('deputy', principal);
  }
  const { deputy, types, not_before, not_after } = change;
  const areNatural = [principal, deputy].every(
    (each) => state.get('person', each)?.class === 'natural',
  );
  if (!areNatural) {
    throw new BindingError('MEMBER_UNKNOWN', 'change: expected two natural persons of the ledger');
  }
  if (principal === deputy) throw invalid('change/deputy', 'another person than the one away');
  // Each type once and in one order; none that changes the authority, or whoever is lent a voice could lend it on.
  const isSorted = types.every((type, at) => at === 0 || (types[at - 1] ?? '') < type);
  if (!isSorted || types.some(isAuthorityType)) {
    throw invalid('change/types', 'types in order, each once, and none of the authority');
  }
  const lastsMs = timestampMs(not_after) - timestampMs(not_before);
  if (lastsMs <= 0 || lastsMs > LONGEST_MS) {
    throw invalid('change/not_after', 'an end after its beginning, within 90 days');
  }
  return state.with({ kind: 'deputy', id: principal, deputy, types, not_before, not_after });
}

/** An approval of somebody, or of somebody in the place of another person. */
export interface Voiced {
  readonly person: string;
  /** The person in whose place it was given. */
  readonly for?: string;
}

/** Whose seat an approval fills. */
export function voiceOf({ person, for: principal }: Voiced): string {
  return principal ?? person;
}

/** A person and their deputy are one voice: whoever is in one of these has none beside it. */
export function voicesIn({ person, for: principal }: Voiced): readonly string[] {
  return principal === undefined ? [person] : [person, principal];
}

export function areOneVoice(one: Voiced, other: Voiced): boolean {
  const voices = voicesIn(other);
  return voicesIn(one).some((voice) => voices.includes(voice));
}

/**
 * Until when an approval is of somebody's deputy, for this type of action; undefined where it is not now. Of a person without
 * a key nobody is a deputy: who is gone has no voice to lend. Attack row D12.
 */
export function deputyEndMs(
  authority: AuthorityState,
  given: { readonly person: string; readonly for: string; readonly type: string },
  atMs: number,
): number | undefined {
  const named = authority.get('deputy', given.for);
  if (named?.deputy !== given.person || !named.types.includes(given.type)) return undefined;
  const isSigner =
    authority.get('person', given.for)?.class === 'natural' &&
    authority.ofKind('credential').some(({ person }) => person === given.for);
  const endMs = timestampMs(named.not_after);
  return isSigner && timestampMs(named.not_before) <= atMs && atMs <= endMs ? endMs : undefined;
}

/** Whose deputy a person is, now or not, in the order of their ids. */
export function principalsOf(authority: AuthorityState, person: string): readonly string[] {
  return authority.ofKind('deputy').flatMap(({ id, deputy }) => (deputy === person ? [id] : []));
}
