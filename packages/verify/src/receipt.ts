import type { VerifySignature } from '@countersign/canonical';
import {
  KeyHistory,
  openCheckpointAt,
  parseTlogProof,
  TlogError,
  verifyInclusion,
  type HistoricTrust,
  type OpenedCheckpoint,
  type WitnessPolicy,
} from '@countersign/tlog';
import { BoundedCache } from './bounded-cache.ts';
import { sameJson } from './same-json.ts';
import { VerifyError, type VerifyCode } from './verify-error.ts';
import type { Trust } from './trust.ts';

/** Heads that one verifier remembers; an executor sees one or a few a second. */
const CHECKPOINTS_MAX = 256;

/** Checks receipts against the log keys of one trust file. A checkpoint is verified once, by its exact text. */
export class ReceiptCheck {
  readonly #trust: Trust;
  readonly #verifySignature: VerifySignature;
  readonly #keys: KeyHistory;
  /** Of these keys alone: under others the same note may mean something else. */
  readonly #checkpoints = new BoundedCache<OpenedCheckpoint>(CHECKPOINTS_MAX);
  #under: ReceiptCheck | undefined;

  constructor(
    trust: Trust,
    verifySignature: VerifySignature,
    keys: KeyHistory = pinnedKeys(trust),
  ) {
    this.#trust = trust;
    this.#verifySignature = verifySignature;
    this.#keys = keys;
  }

  /** The same with the keys of the log as they were proven to be. The last such check is remembered. */
  under(keys: KeyHistory): ReceiptCheck {
    if (this.#under === undefined || !sameJson(this.#under.#keys.spans, keys.spans)) {
      this.#under = new ReceiptCheck(this.#trust, this.#verifySignature, keys);
    }
    return this.#under;
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

  /** Of the witnesses that have cosigned the head of a receipt, the times by verifier key. Refuses a head that does not open. */
  async cosignatureTimes(
    receipt: string,
    { witnesses }: WitnessPolicy,
  ): Promise<ReadonlyMap<string, number>> {
    const { signers } = await openHead(read(receipt).checkpoint, this.#trust, {
      keys: this.#keys,
      verifySignature: this.#verifySignature,
      witnesses: witnesses.map(({ verifier }) => verifier),
    });
    return new Map(
      signers.flatMap(({ verifier, time }) =>
        time === undefined ? [] : [[verifier.vkey, time] as const],
      ),
    );
  }

  async #checkpoint(note: string): Promise<OpenedCheckpoint> {
    const known = this.#checkpoints.get(note);
    if (known !== undefined) return known;
    const opened = await openHead(note, this.#trust, {
      keys: this.#keys,
      verifySignature: this.#verifySignature,
    });
    this.#checkpoints.set(note, opened);
    return opened;
  }
}

/** Which entry a receipt says that it is of. Refuses what is no receipt. */
export function indexIn(receipt: string): number {
  return read(receipt).index;
}

/** As long as nothing tells of others, the keys that the trust file pins are those of every size. */
export function pinnedKeys({ logKeys }: Trust): KeyHistory {
  return KeyHistory.founding(logKeys.map(({ vkey }) => vkey));
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
  { origin, pinnedHead }: Pick<Trust, 'origin' | 'pinnedHead'>,
  by: Pick<HistoricTrust, 'keys' | 'verifySignature' | 'witnesses'>,
): Promise<OpenedCheckpoint> {
  const opened = await openSigned(note, { origin, ...by });
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

async function openSigned(note: string, trust: HistoricTrust): Promise<OpenedCheckpoint> {
  try {
    return await openCheckpointAt(note, trust);
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw new VerifyError(codeOf(error), error.message);
  }
}

function codeOf({ code }: TlogError): VerifyCode {
  if (code === 'NOTE_UNSIGNED') return 'LOG_KEY_UNKNOWN';
  return code === 'SIGNING_KEY_NOT_VALID_AT' ? code : 'CHECKPOINT_INVALID';
}
