import type { Json } from '@countersign/canonical';
import { member, type Member } from './authority-member.ts';
import { AuthorityState, type Retirable } from './authority.ts';
import {
  authorityRef,
  credentialId,
  leaf,
  position,
  type AuthorityRef,
  type Leaf,
} from './field-shape.ts';
import type { Head, Tables } from './fold.ts';
import { loadParts, loadPartsOf, type LoadParts } from './person-load.ts';
import { policyDigest, policyShape, type Policy } from './policy.ts';
import { rulesVersion, type RulesVersion } from './rules-version.ts';
import { integer, invalid, list, object, optional, type Shape } from './shape.ts';

/** Everything of a fold but its actions, as a snapshot holds it: schemas/formats/snapshot.md §3. */
export interface StateParts {
  readonly genesis: Leaf;
  /** Absent: 1. */
  readonly rules?: RulesVersion;
  readonly size: number;
  readonly at_ms: number;
  readonly forgotten_hour: number;
  readonly bindings: number;
  readonly authority: AuthorityRef;
  readonly members: readonly Member[];
  readonly retired: readonly Retirable[];
  readonly policy: Policy;
  /** By rules 2. */
  readonly load?: LoadParts;
  readonly counters: readonly { readonly credential: string; readonly counter: number }[];
}

const ANY_NUMBER = { max: 1_000_000 };

const stateParts: Shape<StateParts> = object<StateParts>({
  genesis: leaf,
  rules: optional(rulesVersion),
  size: position,
  at_ms: position,
  forgotten_hour: position,
  bindings: position,
  authority: authorityRef,
  members: list(member, ANY_NUMBER),
  retired: list(retiredMember, ANY_NUMBER),
  policy: policyShape,
  load: optional(loadParts),
  counters: list(
    object<StateParts['counters'][number]>({ credential: credentialId, counter: integer(1) }),
    ANY_NUMBER,
  ),
});

function retiredMember(json: Json | undefined, path: string): Retirable {
  const retired = member(json, path);
  if (isRetirable(retired)) return retired;
  throw invalid(path, 'a credential, a log key or a home');
}

function isRetirable(each: Member): each is Retirable {
  return each.kind === 'credential' || each.kind === 'log-key' || each.kind === 'home';
}

/** @throws BindingError: these are none */
export function parseStateParts(json: Json): StateParts {
  return stateParts(json, 'state');
}

/** The head of a fold from its parts. Undefined: the parts do not fit together. */
export function headOf(parts: StateParts): Head | undefined {
  const authority = AuthorityState.of(parts.members, parts.retired);
  const isWhole =
    authority.root === parts.authority.root &&
    authority.get('policy', 'policy')?.digest === policyDigest(parts.policy);
  if (!isWhole) return undefined;
  return {
    size: parts.size,
    lastAtMs: parts.at_ms,
    authority,
    authorityRef: parts.authority,
    genesis: parts.genesis,
    rules: parts.rules ?? 1,
    policy: parts.policy,
    committedSize: parts.size,
    forgottenHour: parts.forgotten_hour,
    bindings: parts.bindings,
  };
}

export function partsOf(
  head: Head,
  { load, counters }: Pick<Tables, 'load' | 'counters'>,
): StateParts {
  return {
    genesis: head.genesis,
    ...(head.rules > 1 && { rules: head.rules }),
    size: head.size,
    at_ms: head.lastAtMs,
    forgotten_hour: head.forgottenHour,
    bindings: head.bindings,
    authority: head.authorityRef,
    members: head.authority.members,
    retired: head.authority.retired,
    policy: head.policy,
    ...(head.rules > 1 && { load: loadPartsOf(load, head.lastAtMs) }),
    counters: [...counters.entries()].map(([credential, counter]) => ({ credential, counter })),
  };
}
