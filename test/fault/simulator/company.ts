import {
  subjectDigest,
  type CompanyGroup,
  type AuthorityChange,
  type Member,
} from '@countersign/binding';
import { toyEd25519, type ToyKey } from './toy-signature.ts';

export const ISSUER = 'https://login.company.example';
/** Whoever is tied to this one has no sign-in that counts. */
export const OTHER_ISSUER = 'https://login.other.example';
export const SUBJECT_SALT = 'c2FsdC1vZi1hLXN1YmplY3Q';
export const PLANNER = 'svc:planner';
const CLIENT = 'countersign';
const GROUP = 'treasury';

/** The first of its keys, or the next one. */
export type KeyNumber = 1 | 2;

/** Of each company that somebody of the ledger works for: by the seed itself, for a draw would make another history of every seed. */
export function hasCompany(seed: number): boolean {
  return seed % 7 === 3 || seed % 7 === 5;
}

export function companyKey(number: KeyNumber): ToyKey {
  return toyEd25519(`company ${number}`);
}

export function subjectOf(person: string): string {
  return `sub-${person}`;
}

export function subjectIn(issuer: string, person: string): ReturnType<typeof subjectDigest> {
  return subjectDigest({ issuer, subject: subjectOf(person), salt: SUBJECT_SALT });
}

type Pinned = Extract<AuthorityChange, { readonly kind: 'issuer-enrolled' }>;

export function issuerWith(
  key: KeyNumber,
  persons: readonly { readonly id: string }[],
): Pinned['issuer'] {
  return {
    id: ISSUER,
    keys: [{ kid: `key-${key}`, alg: 'EdDSA', public_key: companyKey(key).publicKey }],
    persons: persons.map(({ id }) => ({ sub: subjectOf(id), person: id })),
    services: 'svc:',
  };
}

/** What a ledger of the company is founded with beside its people. */
export function companyMembers(persons: readonly { readonly id: string }[]): readonly Member[] {
  return [
    { kind: 'issuer', ...issuerWith(1, persons) },
    ...persons.map(({ id }): Member => ({
      kind: 'identity',
      id,
      issuer: ISSUER,
      subject_digest: subjectIn(ISSUER, id),
    })),
  ];
}

/** Whom a policy lets approve, by numbers that are drawn anyway: anybody, or only who is in the group. */
export function groupOf(useWithinS: number): { readonly member_of?: CompanyGroup } {
  if (useWithinS % 4 === 0) return {};
  // So short that it often ends before a binding would.
  const within_s = 60 + (useWithinS % 16);
  return { member_of: { issuer: ISSUER, audience: CLIENT, group: GROUP, within_s } };
}

export const SIGN_IN = { client: CLIENT, group: GROUP } as const;
