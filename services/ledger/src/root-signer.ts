import type { VerifySignature } from '@countersign/canonical';
import { signRoot, type SignedRoot } from '@countersign/cose-receipt';
import { keysAfter } from '@countersign/log-reader';
import {
  KeyHistory,
  TlogError,
  keyIds,
  openCheckpointAt,
  type NoteSigner,
} from '@countersign/tlog';

export interface RootSignerOptions {
  readonly origin: string;
  /** Those that the log was founded with. */
  readonly logKeys: readonly string[];
  readonly signers: readonly NoteSigner[];
  readonly verifySignature: VerifySignature;
  /** Of the log, all that could have changed its keys. */
  readonly keyEntries: () => Promise<
    readonly { readonly index: number; readonly bytes: Uint8Array }[]
  >;
}

/**
 * Signs the roots of COSE receipts. What it is given is a checkpoint, and it signs the root in it only where a key of the log has
 * signed that checkpoint: the writer signs none that the log does not hold for good. So whoever can ask for this gets no head of the log
 * that was not published before, whatever he asks for and whoever else writes.
 */
export class RootSigner {
  readonly #options: RootSignerOptions;

  constructor(options: RootSignerOptions) {
    this.#options = options;
  }

  /**
   * By a key that is one of the log now, and was one at the size of this head: a receipt does not tell when it was signed.
   *
   * @throws TlogError as openCheckpointAt, and SIGNING_KEY_NOT_VALID_AT where this process has no such key; whatever the signer
   * rejects with
   */
  async sign(note: string): Promise<SignedRoot> {
    const { origin, logKeys, signers, verifySignature, keyEntries } = this.#options;
    const entries = await keyEntries();
    const keys = keysAfter(KeyHistory.founding(logKeys), { origin, entries });
    const { size, root } = await openCheckpointAt(note, { origin, keys, verifySignature });
    const isNow = new Set(keys.spans.filter(({ until }) => until === null).map(({ vkey }) => vkey));
    const valid = keys.validAt(size).filter(({ vkey }) => isNow.has(vkey));
    const signer = signers.find(({ vkey }) => valid.some((key) => key.vkey === vkey));
    if (signer !== undefined) {
      // The entries with the other keys come from who may not be believed: a key signs again what it has itself signed.
      const own = KeyHistory.founding([signer.vkey]);
      await openCheckpointAt(note, { origin, keys: own, verifySignature });
      return signRoot(root, signer);
    }
    throw new TlogError(
      'SIGNING_KEY_NOT_VALID_AT',
      `size ${size}: expected a signer here of ${keyIds(valid)}, got none; a later size may have one`,
    );
  }
}
