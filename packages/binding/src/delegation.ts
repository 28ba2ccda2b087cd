import {
  canonicalText,
  ed25519Raw,
  fromBase64url,
  isJsonArray,
  isJsonObject,
  sha256,
  toBase64url,
  utf8,
  type Digest,
  type Json,
  type JsonObject,
  type VerifySignature,
} from '@countersign/canonical';
import { batchedType, type ActionEnvelope, type Principal } from '@countersign/descriptors';
import type { AgentMember } from './authority-member.ts';
import type { AuthorityState } from './authority.ts';
import { BindingError } from './binding-error.ts';
import { proveChain, type Actor, type Limits, type ProvenLink } from './delegation-link.ts';
import { grantDigest, notDelegated, type Grant } from './grant.ts';
import type { AuthenticatedInput } from './input.ts';
import { jsonOf } from './json-bytes.ts';

/** A request with the links of its chain, if all of their signatures hold. */
export async function withChain(
  input: AuthenticatedInput,
  authority: AuthorityState,
  verifySignature: VerifySignature,
): Promise<AuthenticatedInput> {
  if (input.kind !== 'request' || 'fault' in input.payload) return input;
  const { action } = input.payload;
  const { delegation: chain } = action.envelope;
  if (chain === undefined) return input;
  try {
    const links = await proveChain(chain, authority, verifySignature);
    return { ...input, payload: { action, links } };
  } catch (error) {
    // An agent of ours signed the request, so it is told by an entry: a chain without links is refused there.
    if (error instanceof BindingError) return input;
    throw error;
  }
}

interface Delegated {
  readonly envelope: ActionEnvelope;
  readonly links: readonly ProvenLink[] | undefined;
  readonly agent: AgentMember;
  readonly authority: AuthorityState;
  /** Ledger time. */
  readonly atMs: number;
}

/** What a chain comes to for one action. */
export interface Delegation {
  readonly grants: readonly Grant[];
  /** When its first link ends. */
  readonly endsMs: number;
}

/**
 * Whether a chain, link by link, leads from who is named in `acting_for` to this agent and its key, and allows this action.
 * Undefined for an action without one. schemas/formats/delegation.md §3.
 *
 * @throws BindingError DELEGATION_INVALID, DELEGATION_EXCEEDED
 */
export function judgeChain(asked: Delegated): Delegation | undefined {
  const { envelope, links } = asked;
  const { delegation: chain } = envelope;
  if (chain === undefined) return undefined;
  if (links?.length !== chain.length) throw notDelegated('a chain whose signatures hold');
  const granted = chain.map(grantDigest);
  assertStanding(links, asked);
  for (const [index, link] of links.entries()) assertFollows(link, links[index - 1]);
  const last = links.at(-1);
  if (last?.act.sub !== asked.agent.id || last.jkt !== jwkThumbprint(asked.agent.public_key)) {
    throw notDelegated('a last link that names this agent and its key');
  }
  const named = principalsOf(links, asked.authority).map((each, index) => ({
    ...each,
    grant_digest: granted[index],
  }));
  if (text(named) !== text(envelope.acting_for)) {
    throw notDelegated('acting_for to name who the chain names, with the digest of each link');
  }
  const asksFor = askedFor(envelope);
  if (!links.every((link) => asksFor.every((each) => allows(link, each)))) {
    throw new BindingError(
      'DELEGATION_EXCEEDED',
      'delegation: expected an action within each link',
    );
  }
  return {
    grants: links.map(({ iss }, index) => ({ issuer: iss, digest: granted[index] as Digest })),
    endsMs: Math.min(...links.map(({ exp }) => exp)) * 1_000,
  };
}

function text(value: object): string {
  return canonicalText(jsonOf(value));
}

/** By an issuer of now, for this ledger, at this time. */
function assertStanding(links: readonly ProvenLink[], { authority, atMs }: Delegated): void {
  const { origin, tenant } = authority.ledger;
  for (const { iss, publicKey, aud, exp, nbf } of links) {
    const keys = authority.get('issuer', iss)?.keys ?? [];
    if (!keys.some((key) => key.public_key === publicKey)) {
      throw notDelegated('a key of an enrolled issuer');
    }
    if (!aud.includes(origin) && !aud.includes(tenant)) throw notDelegated('links for this ledger');
    if (nbf * 1_000 > atMs || exp * 1_000 <= atMs) throw notDelegated('links of this time');
  }
}

/** A link hands on what the one before gave, to one more actor, and never more of it. */
function assertFollows(link: ProvenLink, before: ProvenLink | undefined): void {
  const earlier: Actor | undefined = before?.act;
  const isNested = text([link.act.act ?? null]) === text([earlier ?? null]);
  if (!isNested) throw notDelegated('act to hold the actors before, and one more');
  if (before === undefined) return;
  const isWithin =
    link.exp <= before.exp &&
    link.types.every((type) => before.types.includes(type)) &&
    link.limits.every((limits) => isNarrower(limits, limitsOf(before, limits.type)));
  if (!isWithin) throw notDelegated('links that are each within the one before');
}

function limitsOf({ limits }: ProvenLink, type: string): Limits | undefined {
  return limits.find((each) => each.type === type);
}

/** Where a link says nothing of a limit, the one before still holds. */
function isNarrower({ max = {}, only = {} }: Limits, before: Limits | undefined): boolean {
  const { max: outerMax = {}, only: outerOnly = {} } = before ?? {};
  const isLess = Object.entries(max).every(([pointer, amount]) => {
    const outer = outerMax[pointer];
    return outer === undefined || isAtMost(amount, outer);
  });
  const isFewer = Object.entries(only).every(([pointer, values]) => {
    const outer = outerOnly[pointer];
    return outer === undefined || values.every((value) => outer.includes(value));
  });
  return isLess && isFewer;
}

/** Amounts with another number of digits behind the point are of another currency. */
function isAtMost(amount: string, max: string): boolean {
  const [, fraction = ''] = amount.split('.');
  const [, maxFraction = ''] = max.split('.');
  if (!/^[0-9]+(?:\.[0-9]+)?$/.test(amount) || fraction.length !== maxFraction.length) return false;
  return BigInt(amount.replace('.', '')) <= BigInt(max.replace('.', ''));
}

type Asked = Pick<ActionEnvelope, 'type' | 'params'>;

/** A batch asks for itself and for each of its items, as the actions that they would be alone: batch-of-actions.md §1. */
function askedFor({ type, params }: ActionEnvelope): readonly Asked[] {
  const ofItems = batchedType(type);
  if (ofItems === undefined) return [{ type, params }];
  const { items } = params;
  if (!isJsonArray(items)) throw notDelegated('a batch with items');
  const each = items.map((item) => {
    const inner = isJsonObject(item) ? item['params'] : undefined;
    if (!isJsonObject(inner)) throw notDelegated('items with params');
    return { type: ofItems, params: inner };
  });
  return [{ type, params }, ...each];
}

function allows(link: ProvenLink, { type, params }: Asked): boolean {
  if (!link.types.includes(type)) return false;
  const { max = {}, only = {} } = limitsOf(link, type) ?? {};
  const at = (pointer: string): string => valueAt(params, pointer);
  return (
    Object.entries(max).every(([pointer, amount]) => isAtMost(at(pointer), amount)) &&
    Object.entries(only).every(([pointer, values]) => values.includes(at(pointer)))
  );
}

/** The text there; the empty one, which no limit allows, for anything else. */
function valueAt(params: JsonObject, pointer: string): string {
  let value: Json | undefined = params;
  for (const name of pointer.slice(1).split('/')) {
    value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return typeof value === 'string' ? value : '';
}

/** Outermost first, the agent itself left out. Each issuer says who its subjects are. */
function principalsOf(links: readonly ProvenLink[], authority: AuthorityState): Principal[] {
  const outermost = links.map((link) => text(principalOf(authority, link.iss, link.sub)));
  if (new Set(outermost).size !== 1) throw notDelegated('links for one and the same subject');
  return links.map((link, index) => {
    const before = links[index - 1];
    return before === undefined
      ? principalOf(authority, link.iss, link.sub)
      : principalOf(authority, before.iss, before.act.sub);
  });
}

function principalOf(authority: AuthorityState, iss: string, sub: string): Principal {
  const issuer = authority.get('issuer', iss);
  const known = issuer?.persons.find((each) => each.sub === sub);
  if (known !== undefined) return { kind: 'person', sub: known.person };
  const { services } = issuer ?? {};
  // Whoever is not known could be a person whom nobody excludes.
  if (services === undefined || !sub.startsWith(services))
    throw notDelegated('subjects that are known');
  return { kind: 'service', sub };
}

/** RFC 7638, of an Ed25519 key. */
export function jwkThumbprint(publicKey: string): string {
  const x = toBase64url(ed25519Raw(fromBase64url(publicKey)));
  return toBase64url(sha256(utf8(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`)));
}
