import { verifySignature } from '@countersign/crypto-node';
import type { ReadModels } from '@countersign/store';
import { openCheckpoint, parseVerifierKey, TlogError } from '@countersign/tlog';
import type { PinnedHead } from '@countersign/verify';
import type { OpenData } from './open-data.ts';
import { trustDocument, writeTrust } from './trust-file.ts';

/** Keeps the newest signed head in the trust file, so that a log that was put back is noticed at the next start. */
export class HeadPin {
  readonly #data: OpenData;
  readonly #store: ReadModels;
  #size: number;

  constructor(data: OpenData, store: ReadModels) {
    this.#data = data;
    this.#store = store;
    this.#size = data.trust.pinnedHead?.size ?? 0;
  }

  async renew(): Promise<void> {
    const newest = await this.#store.checkpoint();
    if (newest === undefined || newest.size <= this.#size) return;
    const { folder, mark, signer, trust } = this.#data;
    const { size, root } = await openHead(newest.note, this.#data);
    const ledger = { logKeys: [signer.vkey], genesis: trust.genesis };
    await writeTrust(folder, trustDocument(mark, ledger, { size, root }));
    this.#size = size;
  }
}

/**
 * The newest head that anything in this data folder remembers: what the trust file pins, or what the read models saw. A log
 * behind it was put back, and a writer that went on from there would sign a second head of a size (attack row G03).
 */
export async function knownHead(
  data: OpenData,
  store: ReadModels,
): Promise<PinnedHead | undefined> {
  const pinned = data.trust.pinnedHead;
  const newest = await store.checkpoint();
  if (newest === undefined || newest.size <= (pinned?.size ?? 0)) return pinned;
  try {
    const { size, root } = await openHead(newest.note, data);
    return { size, root };
  } catch (error) {
    // Read models of another ledger, or damaged ones, prove nothing; they are only a copy.
    if (error instanceof TlogError) return pinned;
    throw error;
  }
}

function openHead(note: string, { mark, signer }: OpenData): ReturnType<typeof openCheckpoint> {
  return openCheckpoint(note, {
    origin: mark.origin,
    verifiers: [parseVerifierKey(signer.vkey)],
    verifySignature,
  });
}
