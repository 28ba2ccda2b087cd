import { equalBytes, formatTimestamp, type VerifySignature } from '@countersign/canonical';
import {
  KeyHistory,
  parseCheckpoint,
  parseNote,
  type Checkpoint,
  type WitnessPolicy,
} from '@countersign/tlog';
import { VerifyError, openHead, type Trust } from '@countersign/verify';
import { AuditError, type AuditCode } from './audit-error.ts';
import { ServedTree } from './served-tree.ts';
import type { TileSource } from './tile-source.ts';

/** How far a run has come: all of these entries hold, and are those of this root. */
export interface CheckedTo {
  readonly size: number;
  readonly root: Uint8Array;
}

/** A head that an earlier run has checked to its end, as it was signed. */
export interface SeenHead extends CheckedTo {
  readonly note: string;
}

/** The head that a log gives, of which its signature may not be known yet. */
export interface GivenHead extends Checkpoint {
  readonly note: string;
}

/**
 * Opens the head that a log gives with the keys that are pinned. One that no pinned key has signed may be signed by a key that persons
 * have added since: the log itself has to tell, before anything of it counts (`assertSigned`).
 *
 * @throws AuditError CHECKPOINT_INVALID, EQUIVOCATION against the pinned head
 */
export async function openGivenHead(
  note: string,
  trust: Trust,
  verifySignature: VerifySignature,
): Promise<GivenHead> {
  const keys = KeyHistory.founding(trust.logKeys.map(({ vkey }) => vkey));
  try {
    const { origin, size, root, extensions } = await openHead(note, trust, {
      keys,
      verifySignature,
    });
    return { origin, size, root, extensions, note };
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    if (error.code === 'LOG_KEY_UNKNOWN') return { ...parseCheckpoint(parseNote(note).text), note };
    throw new AuditError(error.code, error.message, { cause: error });
  }
}

/** Who has signed a head, by what the log itself tells of its keys. */
export interface HeadSigners {
  readonly signedBy: string;
  /** By when a quorum of witnesses had seen it, where the trust file has witnesses. */
  readonly witnessedAt?: string;
}

/** @throws AuditError LOG_KEY_UNKNOWN, SIGNING_KEY_NOT_VALID_AT, CHECKPOINT_INVALID, WITNESS_QUORUM */
export async function assertSigned(
  note: string,
  trust: Trust,
  by: { readonly keys: KeyHistory; readonly verifySignature: VerifySignature },
): Promise<HeadSigners> {
  const { witnessPolicy: policy } = trust;
  const witnesses = policy?.witnesses.map(({ verifier }) => verifier) ?? [];
  try {
    const { signers, size } = await openHead(note, trust, { ...by, witnesses });
    const valid = new Set(by.keys.validAt(size).map(({ vkey }) => vkey));
    const signedBy = signers.find(({ verifier }) => valid.has(verifier.vkey))?.verifier.vkey ?? '';
    if (policy === undefined) return { signedBy };
    const times = signers.flatMap(({ verifier, time }) =>
      time === undefined ? [] : [[verifier.vkey, time] as const],
    );
    return { signedBy, witnessedAt: quorumTime(policy, new Map(times)) };
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    throw new AuditError(error.code, error.message, { cause: error });
  }
}

function quorumTime(policy: WitnessPolicy, times: ReadonlyMap<string, number>): string {
  const time = policy.quorumTime(times);
  if (time !== undefined) return formatTimestamp(time * 1_000);
  const got = `${times.size} of ${policy.witnesses.length} witnesses`;
  throw new AuditError('WITNESS_QUORUM', `expected cosignatures of a quorum, got ${got}`);
}

/**
 * That the log goes on from a head that was seen. Two signed heads that no one log can have are proof against it, and are handed
 * over with the refusal.
 *
 * @throws AuditError LOG_ROLLBACK, EQUIVOCATION
 */
export async function assertContinues(
  seen: SeenHead,
  head: GivenHead,
  source: TileSource,
): Promise<void> {
  if (head.size < seen.size) {
    const message = `expected a head of at least ${seen.size} entries, got one of ${head.size}`;
    throw conflict('LOG_ROLLBACK', message, [seen, head]);
  }
  if (head.size === seen.size) {
    if (equalBytes(head.root, seen.root)) return;
    throw conflict('EQUIVOCATION', `two signed roots of ${head.size} entries`, [seen, head]);
  }
  // Told at once where the tiles themselves prove it; tiles that prove nothing are found out one by one.
  const tree = new ServedTree(source, head.size);
  const root = await rootTold(tree, seen.size);
  if (root === undefined || equalBytes(root, seen.root)) return;
  if (await tree.proves({ size: seen.size, root }, head.root)) throw forked(seen, head);
}

/** @throws AuditError LOG_ROLLBACK for a log that ends before the head that the trust file pins */
export function assertPinned(head: GivenHead, { pinnedHead }: Trust): void {
  const size = pinnedHead?.size ?? 0;
  if (head.size >= size) return;
  const message = `expected a head of at least the pinned ${size} entries, got ${head.size}`;
  throw new AuditError('LOG_ROLLBACK', message);
}

/**
 * Where an earlier run is taken up, which may have come so far in a log whose head nobody had signed. Undefined for a log that has
 * other entries there: then nothing of it was checked.
 */
export async function takenUp(
  from: CheckedTo | undefined,
  head: GivenHead,
  source: TileSource,
): Promise<CheckedTo | undefined> {
  if (from === undefined || from.size > head.size) return undefined;
  const root = await rootTold(new ServedTree(source, head.size), from.size);
  return root !== undefined && equalBytes(root, from.root) ? from : undefined;
}

async function rootTold(tree: ServedTree, size: number): Promise<Uint8Array | undefined> {
  try {
    return await tree.rootAt(size);
  } catch (error) {
    if (error instanceof AuditError && error.code === 'TILE_MISSING') return undefined;
    throw error;
  }
}

/** The log has other entries than it had. */
export function forked(seen: SeenHead, head: GivenHead): AuditError {
  const message = `expected the entries under the head of ${seen.size} that was seen`;
  return conflict('LOG_ROLLBACK', message, [seen, head]);
}

function conflict(
  code: AuditCode,
  message: string,
  [seen, head]: readonly [SeenHead, GivenHead],
): AuditError {
  return new AuditError(code, message, { evidence: [seen.note, head.note] });
}
