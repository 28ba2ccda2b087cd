import { verifySignature } from '@countersign/crypto-node';
import type { ReadModels } from '@countersign/store';
import { openCheckpoint, parseVerifierKey } from '@countersign/tlog';
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
    const { size, root } = await openCheckpoint(newest.note, {
      origin: mark.origin,
      verifiers: [parseVerifierKey(signer.vkey)],
      verifySignature,
    });
    const ledger = { logKeys: [signer.vkey], genesis: trust.genesis };
    await writeTrust(folder, trustDocument(mark, ledger, { size, root }));
    this.#size = size;
  }
}
