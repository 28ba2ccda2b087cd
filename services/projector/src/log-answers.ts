import type { JsonObject } from '@countersign/canonical';
import type { Descriptor } from '@countersign/descriptors';
import type { ReadModels } from '@countersign/store';
import { evidenceOf, type EvidenceLevel } from './evidence.ts';
import { LogProofs } from './log-proof.ts';
import { answerGroup, answered, sealedEntry, type InputAnswer } from './sealed-answer.ts';

/** An input and what follows from it at once: a few entries at most. */
const ANSWER_ENTRIES_MAX = 8;

export interface LogAnswersOptions {
  readonly store: ReadModels;
  readonly origin: string;
  /** All action types that this build can show. */
  readonly descriptors: readonly Descriptor[];
}

/** What read models can tell of a log, each with what proves it. */
export class LogAnswers {
  readonly proofs: LogProofs;
  readonly #options: LogAnswersOptions;

  constructor(options: LogAnswersOptions) {
    this.#options = options;
    this.proofs = new LogProofs(options.store);
  }

  /** What came of an input; undefined while nothing has. */
  async ofInput(digest: string): Promise<InputAnswer | undefined> {
    const outcome = await this.#options.store.input(digest);
    return outcome?.kind === 'entry' ? this.ofEntry(outcome.index) : outcome;
  }

  /** What came of the input that the entry of this index answers. */
  async ofEntry(index: number): Promise<InputAnswer | undefined> {
    const { store } = this.#options;
    const rows = await store.entries(index, ANSWER_ENTRIES_MAX);
    const checkpoint = await store.checkpoint();
    if (checkpoint === undefined) return undefined;
    const group = answerGroup(rows.filter((row) => row.index < checkpoint.size).map(sealedEntry));
    const indexes = group.map((sealed) => sealed.index);
    const receipts = await this.proofs.receiptsUnder(checkpoint, indexes);
    return {
      kind: 'sealed',
      entries: group.map((sealed, at) => answered(sealed, receipts[at] ?? '')),
    };
  }

  /** @throws ProjectorError NOT_FOUND, NOT_SEALED, NOT_WITNESSED */
  async evidence(
    tenant: string,
    actionId: string,
    level: EvidenceLevel = 'human',
  ): Promise<JsonObject> {
    return evidenceOf({ ...this.#options, proofs: this.proofs, level }, { tenant, actionId });
  }
}
