import { splitForAppend, type Broker, type TopicPartition } from '@countersign/broker';
import { LedgerError, type AcceptedBatch, type LogReader } from '@countersign/log-reader';
import type { VerifySignature } from '@countersign/canonical';
import {
  SignerError,
  TlogError,
  formatCheckpoint,
  openCheckpointAt,
  signNote,
  type NoteSigner,
} from '@countersign/tlog';
import { signersOf, type HeadToSign } from './head-signers.ts';
import { inSpan } from '@countersign/tracing';
import type { Patience } from './patience.ts';
import { sealedRecords, type SealedPart } from './sealed-record.ts';

export interface SealerOptions {
  readonly broker: Broker;
  readonly tp: TopicPartition;
  /** One is enough; while the keys of the log change, those of the old and of the new one. */
  readonly signers: readonly NoteSigner[];
  readonly patience: Patience;
  readonly verifySignature: VerifySignature;
  readonly origin: string;
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
   * That a signer of this writer may sign the next head: else it had better not write it.
   *
   * @throws LedgerError SIGNING_KEY_NOT_VALID_AT, SIGNER_FATAL
   */
  assertSigners(reader: LogReader): void {
    const { signers, origin } = this.#options;
    const { keys, head } = reader;
    signersOf(signers, { origin, keys, size: head.size + 1, sealedSize: this.#sealedOf(reader) });
  }

  /**
   * Signs the head that is accepted now, unless it is signed, and publishes it with its bindings. The log may grow
   * meanwhile; one call MUST end before the next. A batch that changes the keys of the log is signed by itself first: what comes
   * after it may need a key that counts only from there on.
   *
   * Crash story: the batch is in the log and is the accepted head, so its root may be signed at any time,
   * by any writer, again and again, to the same head. Stopping before the append leaves a head that nobody
   * has seen; stopping within it leaves bindings without their checkpoint. The next writer does all of it
   * again, since the checkpoint is not there. Doubled records change nothing for any reader.
   */
  async seal(reader: LogReader): Promise<void> {
    const { tail, unsealed, keys } = reader;
    const { size, root } = reader.head;
    const bindings = this.#bindings;
    this.#bindings = new Set();
    let sealedSize = this.#sealedOf(reader);
    const due = unsealed.filter((batch) => batch.sizeAfter > this.#sealedSize);
    for (const batches of size > sealedSize ? runsOf(due) : []) {
      const head = headOf(batches);
      const note = await this.#sign({ ...head, sealedSize, keys });
      const { origin } = this.#options;
      await this.#publish({ origin, size: head.size, note, batches, bindings, tail });
      sealedSize = head.size;
    }
    this.#sealedSize = size;
    this.#sealedHead = { size, root };
  }

  #sealedOf(reader: LogReader): number {
    return Math.max(this.#sealedSize, reader.sealedSize);
  }

  async #publish(part: SealedPart): Promise<void> {
    const { broker, tp, patience } = this.#options;
    await inSpan('ledger.publish', { kind: 'producer' }, async () => {
      for (const run of splitForAppend(sealedRecords(part))) {
        await patience.appendRepeatable(() => broker.append(tp, run));
      }
    });
  }

  /** The note is checked before anybody sees it: a signer with another key than the log's stops here. */
  async #sign(head: Omit<HeadToSign, 'origin'> & { readonly root: Uint8Array }): Promise<string> {
    const { patience, origin, verifySignature } = this.#options;
    const { size, root, keys, sealedSize } = head;
    const text = formatCheckpoint({ origin, size, root });
    const signers = signersOf(this.#options.signers, { origin, size, keys, sealedSize });
    try {
      const note = await inSpan('ledger.sign', { kind: 'client' }, () =>
        patience.sign(() => signNote(text, signers)),
      );
      await openCheckpointAt(note, { origin, keys, verifySignature, knownAt: sealedSize });
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

/** The batches of each head that is signed. */
function runsOf(batches: readonly AcceptedBatch[]): AcceptedBatch[][] {
  const runs: AcceptedBatch[][] = [[]];
  for (const batch of batches) {
    runs.at(-1)?.push(batch);
    if (batch.changesKeys) runs.push([]);
  }
  return runs.filter((run) => run.length > 0);
}

function headOf(batches: readonly AcceptedBatch[]): { size: number; root: Uint8Array } {
  const last = batches.at(-1);
  if (last === undefined) throw new Error('invariant: expected a batch to sign');
  return { size: last.sizeAfter, root: last.rootAfter };
}
