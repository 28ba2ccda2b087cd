import { digestOf, type Digest, type Json, type VerifySignature } from '@countersign/canonical';
import type { AuthorityState } from './authority.ts';
import type { IdentityMember } from './authority-member.ts';
import { refusalCodeOf } from './binding-error.ts';
import { spkiThumbprint } from './credential-key.ts';
import { base64url, digest, id, issuerUrl } from './field-shape.ts';
import { subjectDigest } from './identity-tie.ts';
import type { IssuerKey } from './issuer-member.ts';
import { isSignedBy, keyOfJws, numericDate, parseJws, type Jws } from './jws.ts';
import type { CompanyGroup } from './company-group.ts';
import { list, object, optional, text, type Shape } from './shape.ts';

/** A sign-in at the company, as a decision brings it along. */
export interface Membership {
  /** The ID token. */
  readonly token: string;
  /** Of the subject that the authority ties the person to. */
  readonly subject_salt: string;
  /** Of the nonce that the token was asked for with. */
  readonly nonce_salt: string;
}

/** With the thumbprint of the issuer's key that its signature holds with. */
export interface ProvenMembership extends Membership {
  readonly key: Digest;
}

interface SignIn {
  /** Its origin. */
  readonly ledger: string;
  readonly salt: string;
  readonly invitation?: string;
}

const TOKEN_MAX = 2_500;
/** From a sign-in to the enrolment that it is for. */
const ENROL_WITHIN_MS = 900_000;
const GROUPS_MAX = 200;
/** Between the clock of the issuer and that of the ledger. */
const SKEW_MS = 300_000;

const salt: Shape<string> = base64url(16, 32);

const members = { token: text(TOKEN_MAX), subject_salt: salt, nonce_salt: salt };

export const membership: Shape<Membership> = object<Membership>(members);

export const provenMembership: Shape<ProvenMembership> = object<ProvenMembership>({
  ...members,
  key: digest,
});

interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string | readonly string[];
  readonly iat: number;
  readonly exp: number;
  readonly nonce: string;
  readonly azp?: string;
  readonly groups?: readonly string[];
}

const anything: Shape<Json> = (json) => json ?? null;

const audience: Shape<string | readonly string[]> = (json, path) =>
  typeof json === 'string' ? id(json, path) : list(id, { min: 1, max: 16 })(json, path);

/**
 * Closed, and without names and addresses: a token stands in the log, where nothing is erased. Of what is told of the
 * sign-in itself nothing is read.
 */
const claimsShape: Shape<Claims> = object<Claims>({
  iss: issuerUrl,
  sub: text(255),
  aud: audience,
  iat: numericDate,
  exp: numericDate,
  nonce: digest,
  azp: optional(id),
  groups: optional(list(text(200), { max: GROUPS_MAX })),
  ...Object.fromEntries(
    [
      'acr',
      'aio',
      'amr',
      'at_hash',
      'auth_time',
      'c_hash',
      'idp',
      'jti',
      'nbf',
      'rh',
      's_hash',
      'session_state',
      'sid',
      'tid',
      'typ',
      'uti',
      'ver',
    ].map((name) => [name, optional(anything)]),
  ),
});

/** What the nonce of a sign-in commits to, so that a token counts for this ledger, and for one invitation where it is for one. */
export function signInNonce({ ledger, salt: own, invitation }: SignIn): Digest {
  const named = invitation === undefined ? {} : { invitation };
  return digestOf('countersign/sign-in/v1', { ledger, salt: own, ...named });
}

function read(token: string): { readonly jws: Jws; readonly claims: Claims } | undefined {
  try {
    const jws = parseJws(token);
    return { jws, claims: claimsShape(jws.claims, 'token') };
  } catch (error) {
    if (refusalCodeOf(error) === undefined) throw error;
    return undefined;
  }
}

/**
 * A sign-in whose token a key of its issuer has signed; undefined for any other. What it says of whom, and when, is for
 * `membershipEndMs`.
 *
 * @throws what `verifySignature` throws when it cannot check
 */
export async function proveMembership(
  { token, subject_salt, nonce_salt }: Membership,
  authority: AuthorityState,
  verifySignature: VerifySignature,
): Promise<ProvenMembership | undefined> {
  const told = read(token);
  const key = told && keyOfJws(authority.get('issuer', told.claims.iss), told.jws);
  if (told === undefined || key === undefined) return undefined;
  if (!(await isSignedBy(told.jws, key, verifySignature))) return undefined;
  return { token, subject_salt, nonce_salt, key: spkiThumbprint(key) };
}

/**
 * When a person's membership ends that this sign-in shows; undefined where it shows none now: attack rows D10, D11. The
 * signature was checked before, with the key that it names.
 */
export function membershipEndMs(
  authority: AuthorityState,
  needed: CompanyGroup,
  shown: {
    readonly person: string;
    readonly membership: ProvenMembership | undefined;
    readonly atMs: number;
  },
): number | undefined {
  const { person, membership: proven, atMs } = shown;
  const told = proven && read(proven.token);
  if (proven === undefined || told === undefined) return undefined;
  const { claims, jws } = told;
  const madeMs = claims.iat * 1_000;
  const endMs = madeMs + needed.within_s * 1_000;
  const holds =
    claims.iss === needed.issuer &&
    isSignInOf(authority, { person, proven, claims, jws }) &&
    isFor(claims, needed.audience) &&
    (claims.groups ?? []).includes(needed.group);
  return holds && isWithin(atMs, madeMs - SKEW_MS, endMs) ? endMs : undefined;
}

/**
 * Whether whoever enrols has to show the company account that the authority ties them to: where it can be checked, because its
 * issuer is pinned. schemas/formats/authority.md §10
 */
export function isAccountNeeded(authority: AuthorityState, person: string): boolean {
  const tie = authority.get('identity', person);
  return tie !== undefined && authority.has('issuer', tie.issuer);
}

/** Whether this sign-in is that of who enrols, was made for their invitation, and not long ago. */
export function isAccountShown(
  authority: AuthorityState,
  shown: {
    readonly statement: { readonly person: string; readonly invitation: string };
    readonly identity: ProvenMembership | undefined;
    readonly atMs: number;
  },
): boolean {
  const { identity: proven, atMs } = shown;
  const { person, invitation } = shown.statement;
  const told = proven && read(proven.token);
  if (proven === undefined || told === undefined) return false;
  const madeMs = told.claims.iat * 1_000;
  return (
    isSignInOf(authority, { person, proven, ...told, invitation }) &&
    isWithin(atMs, madeMs - SKEW_MS, madeMs + ENROL_WITHIN_MS)
  );
}

/** By a key of its issuer as of now, of whom the authority says the person is, and for what its nonce commits to. */
function isSignInOf(
  authority: AuthorityState,
  shown: {
    readonly person: string;
    readonly proven: ProvenMembership;
    readonly claims: Claims;
    readonly jws: Jws;
    readonly invitation?: string;
  },
): boolean {
  const { person, proven, claims, jws, invitation } = shown;
  const { ledger } = authority;
  const of = { ledger: ledger.origin, salt: proven.nonce_salt };
  return (
    isPinned(keyOfJws(authority.get('issuer', claims.iss), jws), proven.key) &&
    isOf(claims, { tie: authority.get('identity', person), salt: proven.subject_salt }) &&
    claims.nonce === signInNonce({ ...of, ...(invitation !== undefined && { invitation }) })
  );
}

/** A key that took the place of another under its id has signed nothing yet. */
function isPinned(key: IssuerKey | undefined, thumbprint: Digest): boolean {
  return key !== undefined && spkiThumbprint(key) === thumbprint;
}

function isWithin(atMs: number, fromMs: number, toMs: number): boolean {
  return fromMs <= atMs && atMs <= toMs;
}

/** Whether it is the sign-in of whom the authority says the person is. */
function isOf(
  { iss: issuer, sub: subject }: Claims,
  { tie, salt: of }: { readonly tie: IdentityMember | undefined; readonly salt: string },
): boolean {
  return (
    tie?.issuer === issuer && tie.subject_digest === subjectDigest({ issuer, subject, salt: of })
  );
}

/** OpenID Connect Core §3.1.3.7: of several audiences, `azp` names the one that asked. */
function isFor({ aud, azp }: Claims, client: string): boolean {
  if (typeof aud === 'string') return aud === client && (azp ?? client) === client;
  return aud.includes(client) && (aud.length === 1 ? (azp ?? client) : azp) === client;
}

/** Whether nobody whose membership counted has lost its ground since: the issuer, or the tie to it. */
export function areMembersTied(
  authority: AuthorityState,
  needed: CompanyGroup | undefined,
  persons: readonly { readonly person: string }[],
): boolean {
  if (needed === undefined) return true;
  const { issuer } = needed;
  return (
    authority.has('issuer', issuer) &&
    persons.every(({ person }) => authority.get('identity', person)?.issuer === issuer)
  );
}
