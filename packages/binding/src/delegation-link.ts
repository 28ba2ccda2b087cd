import {
  isJsonObject,
  type Json,
  type JsonObject,
  type VerifySignature,
} from '@countersign/canonical';
import type { AuthorityState } from './authority.ts';
import { refusalCodeOf } from './binding-error.ts';
import { id } from './field-shape.ts';
import { notDelegated } from './grant.ts';
import { isSignedBy, keyOfJws, numericDate, parseJws } from './jws.ts';
import { typeName } from './policy.ts';
import { invalid, list, matching, object, optional, text } from './shape.ts';

/** Who acts now; `act` is who acted before, as in RFC 8693 §4.1. */
export interface Actor {
  readonly sub: string;
  readonly act?: Actor;
}

/** Limits that a link sets for the params of one action type, by JSON pointers into them. */
export interface Limits {
  readonly type: string;
  readonly max?: Readonly<Record<string, string>>;
  readonly only?: Readonly<Record<string, readonly string[]>>;
}

/** The claims of a link that count: schemas/formats/delegation.md §2. */
export interface Link {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  readonly exp: number;
  readonly nbf: number;
  readonly act: Actor;
  /** RFC 7638 thumbprint of the key of whoever acts. */
  readonly jkt: string | undefined;
  readonly types: readonly string[];
  readonly limits: readonly Limits[];
}

/** A link whose signature holds, and the key that it holds with. */
export interface ProvenLink extends Link {
  readonly publicKey: string;
}

export const LINKS_MAX = 4;
const TYPES_MAX = 32;
const LIMITS_MAX = 8;
const POINTER = /^(?:\/[A-Za-z0-9_]{1,64}){1,8}$/;

function actorOf(json: Json | undefined, depth: number): Actor {
  if (depth > LINKS_MAX) throw invalid('act', `at most ${LINKS_MAX} actors`);
  const { sub, act } = object<{ sub: string; act?: Actor }>({
    sub: id,
    act: optional((inner) => actorOf(inner, depth + 1)),
  })(json, 'act');
  return act === undefined ? { sub } : { sub, act };
}

function byPointer<T>(of: (json: Json | undefined, path: string) => T) {
  return (json: Json | undefined, path: string): Readonly<Record<string, T>> => {
    if (!isJsonObject(json) || Object.keys(json).length > LIMITS_MAX) throw invalid(path, 'limits');
    for (const [pointer, value] of Object.entries(json)) {
      if (!POINTER.test(pointer)) throw invalid(path, 'pointers into the params');
      of(value, path);
    }
    return json as unknown as Readonly<Record<string, T>>;
  };
}

/** Closed: a limit that is not understood would be a limit that is not kept. */
const limitsShape = object<Limits>({
  type: typeName,
  max: optional(byPointer(matching(/^(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,4})?$/, 'an amount'))),
  only: optional(byPointer(list(text(200), { min: 1, max: 64 }))),
});

/** Claims that are not named here say nothing that anybody acts on. */
function linkOf(claims: JsonObject): Link {
  const { iss, sub, aud, exp, nbf, cnf, scope, authorization_details: details } = claims;
  const types = text(4_000)(scope, 'scope').split(' ');
  const limits = list(limitsShape, { max: TYPES_MAX })(details ?? [], 'authorization_details');
  list(typeName, { min: 1, max: TYPES_MAX })(types, 'scope');
  const limited = limits.map(({ type }) => type);
  const isOnce = [types, limited].every((each) => new Set(each).size === each.length);
  if (!isOnce || !limited.every((type) => types.includes(type))) {
    throw invalid('authorization_details', 'types of the scope, each once');
  }
  return {
    iss: id(iss, 'iss'),
    sub: id(sub, 'sub'),
    aud: typeof aud === 'string' ? [aud] : list(text(200), { max: 16 })(aud, 'aud'),
    exp: numericDate(exp, 'exp'),
    nbf: numericDate(nbf ?? 0, 'nbf'),
    act: actorOf(claims['act'], 1),
    jkt: isJsonObject(cnf) && typeof cnf['jkt'] === 'string' ? cnf['jkt'] : undefined,
    types,
    limits,
  };
}

async function proveLink(
  token: string,
  authority: AuthorityState,
  verifySignature: VerifySignature,
): Promise<ProvenLink> {
  const jws = parseJws(token);
  const link = linkOf(jws.claims);
  const key = keyOfJws(authority.get('issuer', link.iss), jws);
  if (key === undefined) throw notDelegated('a key of an enrolled issuer');
  if (!(await isSignedBy(jws, key, verifySignature))) {
    throw notDelegated('a signature of the issuer');
  }
  return { ...link, publicKey: key.public_key };
}

/**
 * Reads a chain of compact JWS, outermost first, and checks each signature with the pinned key of its issuer. Whether the
 * links belong together, and to whom, is for `judgeChain`.
 *
 * @throws BindingError DELEGATION_INVALID
 * @throws what `verifySignature` throws when it cannot check
 */
export async function proveChain(
  chain: readonly string[],
  authority: AuthorityState,
  verifySignature: VerifySignature,
): Promise<readonly ProvenLink[]> {
  if (chain.length === 0 || chain.length > LINKS_MAX) {
    throw notDelegated(`1 to ${LINKS_MAX} links, got ${chain.length}`);
  }
  const links: ProvenLink[] = [];
  for (const token of chain) {
    try {
      links.push(await proveLink(token, authority, verifySignature));
    } catch (error) {
      if (refusalCodeOf(error) === undefined) throw error;
      throw notDelegated('a token of the profile', error);
    }
  }
  return links;
}
