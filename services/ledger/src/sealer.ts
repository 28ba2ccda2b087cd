import { splitForAppend, type Broker, type TopicPartition } from '@countersign/broker';
import { LedgerError, type LogReader } from '@countersign/log-reader';
import type { VerifySignature } from '@countersign/canonical';
import {
  SignerError,
  TlogError,
  formatCheckpoint,
  openCheckpoint,
  parseVerifierKey,
  signNote,
  type NoteSigner,
} from '@countersign/tlog';
import type { Patience } from './patience.ts';
import { sealedRecords } from './sealed-record.ts';

export interface SealerOptions {
  readonly broker: Broker;
  readonly tp: TopicPartition;
  readonly signer: NoteSigner;
  readonly patience: Patience;
  readonly verifySignature: VerifySignature;
  readonly origin: string;
  readonly logKeys: readonly string[];
}

export interface SealedRoot {
  readonly size: number;
  readonly root: Uint8Array;
}

/** Signs accepted heads and publishes what follows from them. It never signs anything else. */
export class Sealer {
  readonly #options: SealerOptions;
  #bindings = new Set<number>();
  #sealedSize = 0;
  #sealedHead: SealedRoot | undefined;

  constructor(options: SealerOptions) {
    this.#options = options;
  }

  get sealedSize(): number {
    return this.#sealedSize;
  }

  /** The newest head that was seen to be signed and published by the end of a call of `seal`. */
  get sealedHead(): SealedRoot | undefined {
    return this.#sealedHead;
  }

  /** The entry at this index, which the log has accepted, is a binding. */
  noteBinding(index: number): void {
    this.#bindings.add(index);
  }

  /** What the log says of itself: everything up to there was signed and published. */
  noteSealed(size: number): void {
    this.#sealedSize = Math.max(this.#sealedSize, size);
  }

  /**
   * Signs the head that is accepted now, unless it is signed, and publishes it with its bindings. The log may grow
   * meanwhile; one call MUST end before the next.
   *
   * Crash story: the batch is in the log and is the accepted head, so its root may be signed at any time,
   * by any writer, again and again, to the same head. Stopping before the append leaves a head that nobody
   * has seen; stopping within it leaves bindings without their checkpoint. The next writer does all of it
   * again, since the checkpoint is not there. Doubled records change nothing for any reader.
   */
  async seal(reader: LogReader): Promise<void> {
    const { tail, unsealed, head } = reader;
    const { size, root } = head;
    const bindings = this.#bindings;
    this.#bindings = new Set();
    if (size > Math.max(this.#sealedSize, reader.sealedSize)) {
      const batches = unsealed.filter((batch) => batch.sizeAfter > this.#sealedSize);
      const note = await this.#sign(size, root);
      const { broker, tp, patience } = this.#options;
      for (const run of splitForAppend(sealedRecords({ size, note, batches, bindings, tail }))) {
        await patience.appendRepeatable(() => broker.append(tp, run));
      }
    }
    this.#sealedSize = size;
    this.#sealedHead = { size, root };
  }

  /** The note is checked before anybody sees it: a signer with another key than the log's stops here. */
  async #sign(size: number, root: Uint8Array): Promise<string> {
    const { signer, patience, origin, logKeys, verifySignature } = this.#options;
    const text = formatCheckpoint({ origin, size, root });
    try {
      const note = await patience.sign(() => signNote(text, [signer]));
      const verifiers = logKeys.map((vkey) => parseVerifierKey(vkey));
      await openCheckpoint(note, { origin, verifiers, verifySignature });
      return note;
    } catch (error) {
      if (error instanceof SignerError) {
        throw new LedgerError('SIGNER_FATAL', `the signer has given up: ${error.code}`, {
          cause: error,
        });
      }
      if (!(error instanceof TlogError)) throw error;
      throw new LedgerError('SIGNER_FATAL', `expected a signature by a key of ${origin}`, {
        cause: error,
      });
    }
  }
}
