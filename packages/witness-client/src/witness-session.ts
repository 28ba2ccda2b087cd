import {
  openCosignature,
  TlogError,
  type Cosignature,
  type PolicyWitness,
  type VerifySignature,
} from '@countersign/tlog';
import { addCheckpoint, type WitnessReply } from './add-checkpoint.ts';

const TIMEOUT_MS = 5_000;
const ASK_EVERY_MS = 1_000;
const PAUSE_MAX_MS = 60_000;
/** As far as verifiers let the clocks of ledger and witness differ: schemas/formats/evidence.md §5. */
const CLOCK_SKEW_MS = 60_000;
/** Asked with a size that it no longer holds, it tells the one that it holds: once is enough, unless somebody else feeds it. */
const TRIES = 2;

export interface OfferedHead {
  readonly size: number;
  /** As the log has signed it. */
  readonly note: string;
  /** The hashes from a smaller size to this head, which MUST have been verified against this log's own roots. */
  readonly proofFrom: (size: number) => Promise<readonly Uint8Array[]>;
}

/** Why a witness has not cosigned. */
export type WitnessFailure =
  | 'WITNESS_AWAY'
  | 'WITNESS_LOG_UNKNOWN'
  | 'WITNESS_KEY_UNKNOWN'
  | 'WITNESS_BUSY'
  | 'WITNESS_REFUSED'
  | 'WITNESS_ANSWER'
  | 'WITNESS_SIGNATURE'
  | 'WITNESS_CLOCK';

export type OfferOutcome =
  | { readonly kind: 'cosigned'; readonly cosignature: Cosignature }
  /** It says that it has seen more of this log than there is. Nothing signed says so. */
  | { readonly kind: 'ahead'; readonly size: number }
  /** It refuses as no continuation what is one of our log: what it holds at that size is another log's. */
  | { readonly kind: 'contradicted'; readonly size: number }
  | { readonly kind: 'failed'; readonly code: WitnessFailure; readonly detail: string };

export interface WitnessSessionParts {
  readonly witness: PolicyWitness & { readonly url: string };
  readonly verifySignature: VerifySignature;
  readonly nowMs: () => number;
  readonly timeoutMs?: number;
}

/**
 * One witness: what it holds as far as we know, and when it may be asked again. At most once a second; one that fails is left
 * alone for a time that doubles up to a minute.
 */
export class WitnessSession {
  readonly name: string;
  readonly vkey: string;
  readonly #parts: WitnessSessionParts;
  #holds = 0;
  #failures = 0;
  #againMs = -Infinity;
  #failure: WitnessFailure | undefined;

  constructor(parts: WitnessSessionParts) {
    this.#parts = parts;
    this.name = parts.witness.name;
    this.vkey = parts.witness.verifier.vkey;
  }

  get isDue(): boolean {
    const waitMs = this.#againMs - this.#parts.nowMs();
    // A clock that was put back must not hold it up for as long.
    return waitMs <= 0 || waitMs > PAUSE_MAX_MS;
  }

  /** What the last offer has failed with. */
  get failure(): WitnessFailure | undefined {
    return this.#failure;
  }

  /** Offers a head, once more with the size that the witness tells. @throws whatever `proofFrom` throws */
  async offer(head: OfferedHead, interrupted: AbortSignal): Promise<OfferOutcome> {
    const outcome = await this.#offered(head, interrupted);
    const { nowMs } = this.#parts;
    if (outcome.kind === 'failed') {
      this.#failures += 1;
      this.#failure = outcome.code;
      this.#againMs = nowMs() + Math.min(ASK_EVERY_MS * 2 ** this.#failures, PAUSE_MAX_MS);
    } else {
      this.#failures = 0;
      this.#failure = undefined;
      this.#againMs = nowMs() + ASK_EVERY_MS;
    }
    return outcome;
  }

  async #offered(head: OfferedHead, interrupted: AbortSignal): Promise<OfferOutcome> {
    const { witness, timeoutMs = TIMEOUT_MS } = this.#parts;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const oldSize = Math.min(this.#holds, head.size);
      const proof = oldSize === head.size ? [] : await head.proofFrom(oldSize);
      const request = { oldSize, proof, checkpoint: head.note };
      const reply = await addCheckpoint(request, { url: witness.url, timeoutMs }, interrupted);
      if (reply.kind !== 'holds') return this.#judged(reply, head, oldSize);
      if (reply.size === oldSize) return failed('WITNESS_ANSWER', 'a size that it was asked with');
      if (reply.size > head.size) return { kind: 'ahead', size: reply.size };
      this.#holds = reply.size;
    }
    return failed('WITNESS_BUSY', 'somebody else offers heads at the same time');
  }

  async #judged(
    reply: Exclude<WitnessReply, { kind: 'holds' }>,
    head: OfferedHead,
    oldSize: number,
  ): Promise<OfferOutcome> {
    switch (reply.kind) {
      case 'lines':
        return this.#cosigned(reply.text, head);
      case 'refused':
        // Every log goes on from nothing, so that is contradicted by nobody.
        return reply.status === 422 && oldSize > 0
          ? { kind: 'contradicted', size: oldSize }
          : failed(CODE_OF.get(reply.status) ?? 'WITNESS_REFUSED', `status ${reply.status}`);
      case 'malformed':
        return failed('WITNESS_ANSWER', `status ${reply.status} with another body than it has`);
      case 'away':
        return failed('WITNESS_AWAY', causeOf(reply.cause));
    }
  }

  async #cosigned(lines: string, head: OfferedHead): Promise<OfferOutcome> {
    const { witness, verifySignature, nowMs } = this.#parts;
    const by = { note: head.note, witness: witness.verifier, verifySignature };
    try {
      const cosignature = await openCosignature(lines, by);
      const aheadMs = cosignature.time * 1_000 - nowMs();
      if (Math.abs(aheadMs) > CLOCK_SKEW_MS) {
        return failed('WITNESS_CLOCK', `its clock is ${Math.round(aheadMs / 1_000)} s ahead`);
      }
      this.#holds = head.size;
      return { kind: 'cosigned', cosignature };
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
      return failed('WITNESS_SIGNATURE', error.message);
    }
  }
}

const CODE_OF: ReadonlyMap<number, WitnessFailure> = new Map([
  [403, 'WITNESS_KEY_UNKNOWN'],
  [404, 'WITNESS_LOG_UNKNOWN'],
  [429, 'WITNESS_BUSY'],
  [502, 'WITNESS_AWAY'],
  [503, 'WITNESS_AWAY'],
  [504, 'WITNESS_AWAY'],
]);

function failed(code: WitnessFailure, detail: string): OfferOutcome {
  return { kind: 'failed', code, detail };
}

/** What fetch says is always "fetch failed": why is in its cause. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : cause instanceof Error ? cause.name : 'no answer';
}
