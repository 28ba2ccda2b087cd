import type { AuthorityChange, EntryOf } from '@countersign/binding';
import { timestampMs } from '@countersign/canonical';
import { hold } from './invariant-broken.ts';

type Named = Extract<AuthorityChange, { readonly kind: 'deputy-named' }>;
type Revoked = Extract<AuthorityChange, { readonly kind: 'deputy-revoked' }>;

interface Given {
  readonly person: string;
  readonly for?: string | undefined;
}

/** Who decides in whose place, said again: schemas/formats/authority.md §14. */
export class DeputyOracle {
  readonly #named = new Map<string, Named>();

  named(
    change: Named,
    isNatural: (person: string) => boolean,
    last: EntryOf<'binding-made'>,
  ): void {
    const { principal, deputy, types } = change;
    hold(principal !== deputy, 'RULE', `${principal}: a deputy of themselves`);
    hold(isNatural(principal) && isNatural(deputy), 'RULE', `${deputy}: a deputy who is nobody`);
    const isOfAuthority = types.some((type) => type.startsWith('authority.'));
    hold(!isOfAuthority, 'RULE', `${deputy}: a deputy who changes the authority`);
    const isOwn = last.decisions.some(({ person }) => person === deputy);
    hold(!isOwn, 'RULE', `${deputy}: a deputy by their own hand`);
    this.#named.set(principal, change);
  }

  revoked({ principal }: Revoked): void {
    hold(this.#named.delete(principal), 'RULE', `${principal}: has no deputy`);
  }

  /** Whether an approval is of a deputy at that time, if it is in anybody's place. */
  isGiven({ person, for: principal }: Given, type: string, atMs: number): boolean {
    if (principal === undefined) return true;
    const named = this.#named.get(principal);
    return (
      named?.deputy === person &&
      named.types.includes(type) &&
      timestampMs(named.not_before) <= atMs &&
      timestampMs(named.not_after) >= atMs
    );
  }
}

/** That nobody has a voice beside their own deputy. */
export function areApart(given: readonly Given[]): boolean {
  const all = given.flatMap(({ person, for: principal }) => [
    person,
    ...(principal === undefined ? [] : [principal]),
  ]);
  return new Set(all).size === all.length;
}
