import { BindingError, parseStateParts, type StateParts } from '@countersign/binding';
import {
  canonicalBytes,
  CanonicalError,
  fromBase64,
  isJsonObject,
  parseCanonical,
  toBase64,
  type Json,
  type JsonLimits,
  type JsonObject,
} from '@countersign/canonical';
import { SnapshotError } from './snapshot-store.ts';

const VERSION = 'countersign.snapshot.v1';

/** Of a ledger with a million members; the log, not this, says how many it has. */
const HEAD_LIMITS: JsonLimits = { maxBytes: 500_000_000, maxDepth: 12, maxMembers: 50_000_000 };

/** Where in the log to go on reading. schemas/formats/snapshot.md §4 */
export interface ResumeClaim {
  readonly size: number;
  /** Of the complete subtrees at that size. */
  readonly hashes: readonly Uint8Array[];
  /** Offset of a batch that follows a head of that size. Its key says where reading goes on. */
  readonly batchOffset: number;
}

/** Everything of a snapshot but its actions. */
export interface SnapshotHead {
  readonly state: StateParts;
  /** The founding entry. */
  readonly genesis: string;
  readonly resume: ResumeClaim;
}

export function encodeSnapshotHead({ state, genesis, resume }: SnapshotHead): Uint8Array {
  return canonicalBytes({
    v: VERSION,
    // Plain JSON by construction, which TypeScript does not see of an interface.
    state: state as unknown as Json,
    genesis,
    resume: {
      size: resume.size,
      hashes: resume.hashes.map((hash) => toBase64(hash)),
      batch_offset: resume.batchOffset,
    },
  });
}

/** @throws SnapshotError SNAPSHOT_MALFORMED */
export function parseSnapshotHead(bytes: Uint8Array): SnapshotHead {
  try {
    return headIn(closed(parseCanonical(bytes, HEAD_LIMITS), MEMBERS));
  } catch (error) {
    if (!(error instanceof BindingError) && !(error instanceof CanonicalError)) throw error;
    throw new SnapshotError('SNAPSHOT_MALFORMED', error.message, { cause: error });
  }
}

const MEMBERS = ['genesis', 'resume', 'state', 'v'];
const RESUME_MEMBERS = ['batch_offset', 'hashes', 'size'];

function headIn(json: JsonObject): SnapshotHead {
  if (json['v'] !== VERSION) throw malformed(`v: expected ${VERSION}`);
  const resume = closed(json['resume'], RESUME_MEMBERS);
  const { genesis } = json;
  const { hashes } = resume;
  if (typeof genesis !== 'string') throw malformed('genesis: expected a text');
  if (!Array.isArray(hashes)) throw malformed('hashes: expected an array');
  return {
    state: parseStateParts(json['state'] ?? null),
    genesis,
    resume: {
      size: position(resume['size']),
      hashes: (hashes as readonly Json[]).map(hashIn),
      batchOffset: position(resume['batch_offset']),
    },
  };
}

function closed(json: Json | undefined, members: readonly string[]): JsonObject {
  if (!isJsonObject(json) || Object.keys(json).join() !== members.join()) {
    throw malformed(`expected an object of ${members.join(', ')}`);
  }
  return json;
}

function position(json: Json | undefined): number {
  if (typeof json === 'number' && Number.isSafeInteger(json) && json >= 0) return json;
  throw malformed('expected a whole number from 0');
}

function hashIn(json: Json): Uint8Array {
  const hash = typeof json === 'string' ? fromBase64(json) : undefined;
  if (hash?.length !== 32) throw malformed('hashes: expected 32 bytes in base64');
  return hash;
}

function malformed(message: string): SnapshotError {
  return new SnapshotError('SNAPSHOT_MALFORMED', message);
}
