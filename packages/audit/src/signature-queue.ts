import { toHex, type SignatureCheck, type VerifySignature } from '@countersign/canonical';
import { AuditError, type AuditCode } from './audit-error.ts';

/** A binding repeats the proofs of its decisions, which stand some entries before it. */
const REMEMBERED_MAX = 1_024;

interface Queued {
  readonly index: number;
  readonly code: AuditCode;
  readonly isValid: Promise<boolean>;
}

/**
 * Signatures that are being checked while the entries after them are read. Each counts as valid until its answer is there: a log in
 * which one is not is refused as a whole, so nothing that was built on it is ever told.
 */
export class SignatureQueue {
  readonly #verifySignature: VerifySignature;
  readonly #known = new Map<string, Promise<boolean>>();
  #queued: Queued[] = [];
  #checks = 0;

  constructor(verifySignature: VerifySignature) {
    this.#verifySignature = verifySignature;
  }

  /** Different signatures that were checked. */
  get checks(): number {
    return this.#checks;
  }

  /** Queues what it is asked, for the entry at this index. */
  at(index: number, code: AuditCode): VerifySignature {
    return (check) => {
      this.#queued.push({ index, code, isValid: this.#answer(check) });
      return true;
    };
  }

  /** Hands over what is queued: resolves when all of it is valid. @throws AuditError for the first that is not */
  settle(): Promise<void> {
    const queued = this.#queued;
    this.#queued = [];
    const settled = settleAll(queued);
    // Whoever reads on while it is checked may fail first, and waits for it then.
    settled.catch(() => undefined);
    return settled;
  }

  #answer(check: SignatureCheck): Promise<boolean> {
    const name = nameOf(check);
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const answer = (async () => this.#verifySignature(check))();
    answer.catch(() => undefined);
    this.#checks += 1;
    this.#known.set(name, answer);
    if (this.#known.size > REMEMBERED_MAX) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    return answer;
  }
}

function nameOf({ algorithm, publicKey, message, signature }: SignatureCheck): string {
  return [algorithm, toHex(publicKey), toHex(message), toHex(signature)].join(' ');
}

async function settleAll(queued: readonly Queued[]): Promise<void> {
  for (const { index, code, isValid } of queued) {
    if (await isValid) continue;
    throw new AuditError(code, `entry ${index}: expected a valid signature of its key`, { index });
  }
}
