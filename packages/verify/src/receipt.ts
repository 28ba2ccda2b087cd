import type { VerifySignature } from '@countersign/canonical';
import {
  openCheckpoint,
  parseTlogProof,
  TlogError,
  verifyInclusion,
  type OpenedCheckpoint,
} from '@countersign/tlog';
import { BoundedCache } from './bounded-cache.ts';
import { VerifyError } from './verify-error.ts';
import type { Trust } from './trust.ts';

/** Heads that one verifier remembers; an executor sees one or a few a second. */
const CHECKPOINTS_MAX = 256;

/** Checks receipts against the log keys of one trust file. A checkpoint is verified once, by its exact text. */
export class ReceiptCheck {
  readonly #trust: Trust;
  readonly #verifySignature: VerifySignature;
  readonly #checkpoints = new BoundedCache<OpenedCheckpoint>(CHECKPOINTS_MAX);

  constructor(trust: Trust, verifySignature: VerifySignature) {
    this.#trust = trust;
    this.#verifySignature = verifySignature;
  }

  /** Where in the log the leaf stands, by a receipt of this log. Refuses otherwise. */
  async position(receipt: string, leafHash: Uint8Array): Promise<{ index: number; size: number }> {
    const { index, proof, checkpoint: note, extra } = read(receipt);
    // It is covered by no signature, so evidence with another one would be other bytes of the same meaning.
    if (extra !== undefined)
      throw new VerifyError('NOT_LOGGED', 'expected a receipt without extra data');
    const { size, root } = await this.#checkpoint(note);
    try {
      verifyInclusion({ leafHash, index, size, proof, root });
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
      throw new VerifyError('NOT_LOGGED', error.message);
    }
    return { index, size };
  }

  async #checkpoint(note: string): Promise<OpenedCheckpoint> {
    const known = this.#checkpoints.get(note);
    if (known !== undefined) return known;
    const opened = await openHead(note, this.#trust, this.#verifySignature);
    this.#checkpoints.set(note, opened);
    return opened;
  }
}

function read(receipt: string): ReturnType<typeof parseTlogProof> {
  try {
    return parseTlogProof(receipt);
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw new VerifyError('NOT_LOGGED', error.message);
  }
}

/** A head that the log has signed, and that does not contradict the pinned one. Refuses otherwise. */
export async function openHead(
  note: string,
  trust: Trust,
  verifySignature: VerifySignature,
): Promise<OpenedCheckpoint> {
  const { origin, logKeys, pinnedHead } = trust;
  const opened = await openSigned(note, { origin, verifiers: logKeys, verifySignature });
  const contradicts =
    pinnedHead?.size === opened.size &&
    !pinnedHead.root.every((byte, position) => byte === opened.root[position]);
  if (contradicts) {
    throw new VerifyError(
      'EQUIVOCATION',
      `two signed heads of size ${opened.size} with different roots`,
    );
  }
  return opened;
}

async function openSigned(
  note: string,
  trust: Parameters<typeof openCheckpoint>[1],
): Promise<OpenedCheckpoint> {
  try {
    return await openCheckpoint(note, trust);
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    const code = error.code === 'NOTE_UNSIGNED' ? 'LOG_KEY_UNKNOWN' : 'CHECKPOINT_INVALID';
    throw new VerifyError(code, error.message);
  }
}
