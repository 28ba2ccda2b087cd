import {
  AuditError,
  PromiseWatch,
  openArrival,
  parseArrival,
  type Arrival,
  type PromiseOutcome,
} from '@countersign/audit';
import type { ArrivalPromise } from '@countersign/binding';
import { canonicalText } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import type { Trust } from '@countersign/verify';
import { CliError } from './cli-error.ts';
import { writeWhole } from './data-folder.ts';
import { readGivenFile } from './ledger-access.ts';

const FILE_MODE = 0o644;

/** A promise of an arrival that an audit holds a log to. */
export class PromiseCheck {
  readonly #path: string;
  readonly #arrival: Arrival;
  readonly promise: ArrivalPromise;
  readonly watch: PromiseWatch;

  private constructor(path: string, arrival: Arrival, promise: ArrivalPromise) {
    this.#path = path;
    this.#arrival = arrival;
    this.promise = promise;
    this.watch = new PromiseWatch(promise);
  }

  /** @throws CliError FILE_UNREADABLE, PROMISE_FORMAT, PROMISE_SIGNATURE, PROMISE_LEDGER */
  static async open(path: string, { origin, logKeys }: Trust): Promise<PromiseCheck> {
    const file = await readGivenFile(path, 'promise');
    try {
      const arrival = parseArrival(file);
      const promise = await openArrival(arrival, { origin, logKeys, verifySignature });
      return new PromiseCheck(path, arrival, promise);
    } catch (error) {
      if (!(error instanceof AuditError)) throw error;
      throw new CliError(error.code, `${path}: ${error.message}`, { cause: error });
    }
  }

  /** What it came to under this head; a promise that was broken is kept with the head, beside its file. */
  async end(checkpoint: string): Promise<PromiseOutcome & { readonly proof?: string }> {
    const { outcome } = this.watch;
    if (outcome.outcome !== 'REFUSED') return outcome;
    const { promise, certificate } = this.#arrival;
    const arrival = { v: 'countersign.arrival.v1', promise, certificate };
    const proof = `${this.#path}.broken.json`;
    const { code } = outcome;
    const broken = { v: 'countersign.promise-broken.v1', code, arrival, checkpoint };
    await writeWhole(proof, `${canonicalText(broken)}\n`, FILE_MODE);
    return { ...outcome, proof };
  }
}
