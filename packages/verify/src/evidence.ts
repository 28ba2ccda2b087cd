import {
  CanonicalError,
  isDigest,
  parseStrict,
  RepeatedValues,
  type Digest,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import type { EntryOf } from '@countersign/binding';
import {
  closedObject,
  elements,
  member,
  objectOf,
  positionOf,
  refusedAt,
  textOf,
  wordOf,
  type JsonPlace,
} from './closed-json.ts';
import { loggedEntry, type LoggedEntry } from './logged-entry.ts';
import { VerifyError } from './verify-error.ts';

export interface Rationale {
  /** The decision that it belongs to. */
  readonly decision: Digest;
  readonly text: string;
  readonly salt: string;
}

/** One change of the authority, or its founding; with the binding that allowed it, if one did. */
export interface ChainLink {
  readonly entry: string;
  readonly binding?: string;
}

export interface LaterChain {
  readonly chain: readonly ChainLink[];
  /** Of the last entry. */
  readonly receipt: string;
}

export interface ProvenMember {
  readonly member: JsonObject;
  readonly index: number;
  /** Base64 of the sibling hashes, from the leaf up. */
  readonly path: readonly string[];
}

/**
 * An evidence file whose form is right. Nothing in it has been verified, but it is all there and of the right kind:
 * schemas/formats/evidence.md.
 */
export interface Evidence {
  readonly version: 1 | 2;
  readonly origin: string;
  readonly binding: LoggedEntry<EntryOf<'binding-made'>>;
  readonly admission: LoggedEntry<EntryOf<'request-admitted'>>;
  readonly content: {
    /** The exact canonical text; null when it was erased. */
    readonly action: string | null;
    readonly rationales: readonly Rationale[];
  };
  readonly erased?: LoggedEntry<EntryOf<'content-erased'>>;
  readonly display: JsonObject | null;
  readonly descriptor: JsonObject;
  readonly policy: JsonObject | null;
  readonly authority: {
    readonly size: number;
    /** From genesis on; empty for a verifier that has verified this authority before. */
    readonly chain: readonly ChainLink[];
    readonly members: readonly ProvenMember[];
    /** From there on, up to the last change of the log's keys; null when none came later, and in version 1. */
    readonly later: LaterChain | null;
  };
  readonly uses: readonly LoggedEntry<EntryOf<'binding-used'>>[];
  readonly reports: readonly LoggedEntry<EntryOf<'execution-reported'>>[];
  readonly revocations: readonly LoggedEntry<EntryOf<'binding-revoked'>>[];
}

const EVIDENCE_LIMITS = { maxBytes: 8_388_608, maxDepth: 32, maxMembers: 100_000 };
/**
 * What evidence of one ledger shares: action types, policy, the authority and its members. By their exact bytes, so
 * nothing that is read depends on what was read before.
 */
const repeated = new RepeatedValues({ descriptor: 8, policy: 8, chain: 4, member: 64 });

const RATIONALES_MAX = 16;
const CHAIN_MAX = 10_000;
const MEMBERS_MAX = 1_000;
const PATH_MAX = 63;
const USES_MAX = 100;

/**
 * Reads an evidence file.
 *
 * @throws VerifyError `EVIDENCE_FORMAT`
 */
export function parseEvidence(bytes: Uint8Array): Evidence {
  const file: JsonPlace = { code: 'EVIDENCE_FORMAT', path: 'evidence', json: parseJson(bytes) };
  closedObject(file, REQUIRED, ['erased']);
  const v = wordOf(member(file, 'v'), VERSIONS);
  const version = v === 'countersign.evidence.v1' ? 1 : 2;
  const erased = member(file, 'erased');
  const evidence: Evidence = {
    version,
    origin: textOf(member(file, 'origin')),
    binding: loggedEntry(member(file, 'binding'), 'binding-made'),
    admission: loggedEntry(member(file, 'admission'), 'request-admitted'),
    content: content(member(file, 'content')),
    ...(erased.json !== undefined && { erased: loggedEntry(erased, 'content-erased') }),
    display: nullableObject(member(file, 'display')),
    descriptor: objectOf(member(file, 'descriptor')),
    policy: nullableObject(member(file, 'policy')),
    authority: authority(member(file, 'authority'), version),
    uses: elements(member(file, 'uses'), USES_MAX).map((use) => loggedEntry(use, 'binding-used')),
    reports: elements(member(file, 'reports'), USES_MAX).map((report) =>
      loggedEntry(report, 'execution-reported'),
    ),
    revocations: elements(member(file, 'revocations'), USES_MAX).map((revocation) =>
      loggedEntry(revocation, 'binding-revoked'),
    ),
  };
  assertContentAgrees(evidence);
  return evidence;
}

const VERSIONS = ['countersign.evidence.v1', 'countersign.evidence.v2'] as const;

const REQUIRED = [
  'v',
  'origin',
  'binding',
  'admission',
  'content',
  'display',
  'descriptor',
  'policy',
  'authority',
  'uses',
  'reports',
  'revocations',
];

function parseJson(bytes: Uint8Array): Json {
  try {
    return parseStrict(bytes, EVIDENCE_LIMITS, repeated);
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
    throw new VerifyError('EVIDENCE_FORMAT', `evidence: ${error.message}`, { cause: error });
  }
}

/** Erasure takes the action and all that was derived from it, so the display and the rationales go too. */
function assertContentAgrees({ content: { action, rationales }, display, erased }: Evidence): void {
  const isWhole = action !== null && display !== null && erased === undefined;
  const isErased = action === null && display === null && rationales.length === 0;
  if (!isWhole && !isErased) {
    throw new VerifyError(
      'EVIDENCE_FORMAT',
      'evidence: expected the action with its display and nothing erased, or none of its content',
    );
  }
}

function content(place: JsonPlace): Evidence['content'] {
  closedObject(place, ['action', 'rationales']);
  const action = member(place, 'action');
  return {
    action: action.json === null ? null : textOf(action),
    rationales: elements(member(place, 'rationales'), RATIONALES_MAX).map(rationale),
  };
}

function rationale(place: JsonPlace): Rationale {
  closedObject(place, ['decision', 'text', 'salt']);
  const decision = textOf(member(place, 'decision'));
  if (!isDigest(decision)) throw refusedAt(member(place, 'decision'), 'a leaf hash');
  return { decision, text: textOf(member(place, 'text')), salt: textOf(member(place, 'salt')) };
}

function authority(place: JsonPlace, version: Evidence['version']): Evidence['authority'] {
  closedObject(place, ['size', 'chain', 'members', ...(version === 1 ? [] : ['later'])]);
  const later = member(place, 'later');
  return {
    later: version === 1 || later.json === null ? null : laterChain(later),
    size: positionOf(member(place, 'size')),
    chain: elements(member(place, 'chain'), CHAIN_MAX).map(chainLink),
    members: elements(member(place, 'members'), MEMBERS_MAX).map(provenMember),
  };
}

function laterChain(place: JsonPlace): LaterChain {
  closedObject(place, ['chain', 'receipt']);
  const chain = elements(member(place, 'chain'), CHAIN_MAX).map(chainLink);
  if (chain.length === 0) throw refusedAt(member(place, 'chain'), 'at least one change');
  return { chain, receipt: textOf(member(place, 'receipt')) };
}

function chainLink(place: JsonPlace): ChainLink {
  closedObject(place, ['entry'], ['binding']);
  const entry = textOf(member(place, 'entry'));
  const binding = member(place, 'binding');
  return binding.json === undefined ? { entry } : { entry, binding: textOf(binding) };
}

function provenMember(place: JsonPlace): ProvenMember {
  closedObject(place, ['member', 'index', 'path']);
  return {
    member: objectOf(member(place, 'member')),
    index: positionOf(member(place, 'index')),
    path: elements(member(place, 'path'), PATH_MAX).map(textOf),
  };
}

function nullableObject(place: JsonPlace): JsonObject | null {
  return place.json === null ? null : objectOf(place);
}
