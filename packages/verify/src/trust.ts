import {
  CanonicalError,
  fromBase64,
  isDigest,
  parseStrict,
  type Digest,
  type Json,
} from '@countersign/canonical';
import type { ProofClass } from '@countersign/human-proof';
import {
  parseVerifierKey,
  parseWitnessPolicy,
  TlogError,
  type NoteVerifier,
  type WitnessPolicy,
} from '@countersign/tlog';
import {
  closedObject,
  elements,
  flagOf,
  member,
  positionOf,
  refusedAt,
  textOf,
  wordOf,
  type JsonPlace,
} from './closed-json.ts';
import { VerifyError } from './verify-error.ts';

export type Separation = 'full' | 'solo';

/** A head of the log that its reader once saw and wrote down. */
export interface PinnedHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/** What a verifier takes on trust, and nothing else: schemas/formats/trust-file.md. */
export interface Trust {
  readonly origin: string;
  readonly logKeys: readonly NoteVerifier[];
  /** Leaf hash of the log's `ledger-founded` entry: whoever has the log's key cannot found it again. */
  readonly genesis: Digest;
  readonly accept: {
    readonly proofClasses: readonly ProofClass[];
    readonly separation: readonly Separation[];
    readonly demo: boolean;
  };
  readonly pinnedHead?: PinnedHead;
  /** Without it nothing is VALID at level `witnessed`. */
  readonly witnessPolicy?: WitnessPolicy;
}

const TRUST_LIMITS = { maxBytes: 65_536, maxDepth: 8, maxMembers: 200 };
const LOG_KEYS_MAX = 16;
const ROOT_BYTES = 32;
const PROOF_CLASSES: readonly ProofClass[] = ['uv', 'up', 'possession'];
const SEPARATIONS: readonly Separation[] = ['full', 'solo'];

/**
 * Reads a trust file.
 *
 * @throws VerifyError `TRUST_FORMAT`
 */
export function parseTrust(bytes: Uint8Array): Trust {
  const file: JsonPlace = { code: 'TRUST_FORMAT', path: 'trust', json: parseJson(bytes) };
  closedObject(
    file,
    ['v', 'origin', 'log_keys', 'genesis', 'accept'],
    ['pinned_head', 'witness_policy'],
  );
  wordOf(member(file, 'v'), ['countersign.trust.v1']);
  const origin = textOf(member(file, 'origin'));
  const genesis = textOf(member(file, 'genesis'));
  if (!isDigest(genesis)) throw refusedAt(member(file, 'genesis'), 'a sha256 digest');
  const head = member(file, 'pinned_head');
  const policy = member(file, 'witness_policy');
  return {
    origin,
    logKeys: logKeys(member(file, 'log_keys'), origin),
    genesis,
    accept: accepted(member(file, 'accept')),
    ...(head.json !== undefined && { pinnedHead: pinnedHead(head) }),
    ...(policy.json !== undefined && { witnessPolicy: witnessPolicy(policy) }),
  };
}

function parseJson(bytes: Uint8Array): Json {
  try {
    return parseStrict(bytes, TRUST_LIMITS);
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
    throw new VerifyError('TRUST_FORMAT', `trust: ${error.message}`, { cause: error });
  }
}

function logKeys(place: JsonPlace, origin: string): NoteVerifier[] {
  const keys = elements(place, LOG_KEYS_MAX).map((element) => logKey(element, origin));
  if (keys.length === 0) throw refusedAt(place, 'at least one key');
  if (new Set(keys.map(({ keyIdHex }) => keyIdHex)).size !== keys.length) {
    throw refusedAt(place, 'keys with different ids');
  }
  return keys;
}

function logKey(place: JsonPlace, origin: string): NoteVerifier {
  const key = verifierKey(place);
  if (key.name !== origin) throw refusedAt(place, 'a key named after the origin');
  // A witness only says that it saw a head; it cannot stand in for the log.
  if (key.type === 4) throw refusedAt(place, "a log's key, not a witness's");
  return key;
}

function verifierKey(place: JsonPlace): NoteVerifier {
  try {
    return parseVerifierKey(textOf(place));
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw refusedAt(place, `a verifier key (${error.message})`);
  }
}

function accepted(place: JsonPlace): Trust['accept'] {
  closedObject(place, ['proof_classes', 'separation', 'demo']);
  return {
    proofClasses: words(member(place, 'proof_classes'), PROOF_CLASSES),
    separation: words(member(place, 'separation'), SEPARATIONS),
    demo: flagOf(member(place, 'demo')),
  };
}

function words<Word extends string>(place: JsonPlace, known: readonly Word[]): Word[] {
  const chosen = elements(place, known.length).map((element) => wordOf(element, known));
  if (chosen.length === 0 || new Set(chosen).size !== chosen.length) {
    throw refusedAt(place, 'at least one word, each once');
  }
  return chosen;
}

function pinnedHead(place: JsonPlace): PinnedHead {
  closedObject(place, ['size', 'root']);
  const size = positionOf(member(place, 'size'));
  const root = base64Root(member(place, 'root'));
  return { size, root };
}

function witnessPolicy(place: JsonPlace): WitnessPolicy {
  try {
    return parseWitnessPolicy(textOf(place));
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw refusedAt(place, `a witness policy (${error.message})`);
  }
}

function base64Root(place: JsonPlace): Uint8Array {
  const text = textOf(place);
  try {
    const root = fromBase64(text);
    if (root.length === ROOT_BYTES) return root;
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
  }
  throw refusedAt(place, `base64 of ${ROOT_BYTES} bytes`);
}
