import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestBytes, equalBytes, type Digest } from '@countersign/canonical';
import { createDurably, isSystemError } from '@countersign/durable-file';
import { ConnectorError } from '../connector-error.ts';
import { stateDigest, type Effect, type VerifiedUse } from '../connector.ts';
import { OnceJournal, type Attempt } from '../once.ts';
import { endToEndId, paymentFile, type Debtor } from './pain-001.ts';
import type { PaymentParams } from './payment-params.ts';

export interface PaymentOutboxOptions {
  /** Where the bank's client takes its files from. */
  readonly outbox: string;
  /** Records of what was begun and done; never removed. */
  readonly journal: string;
  /** The accounts that may be paid from. */
  readonly debtors: Readonly<Record<string, Debtor>>;
}

/** What is to be paid under one use. */
export interface Payment {
  readonly params: PaymentParams;
  /** Right before the file appears. @throws {ConnectorError} and then none does */
  readonly assertStill?: () => Promise<void>;
}

const ABSENT: Digest = stateDigest(null);

/** One file for one use, whole, under a name that no other use has. */
export class PaymentOutbox {
  readonly #options: PaymentOutboxOptions;
  readonly #journal: OnceJournal;

  constructor(options: PaymentOutboxOptions) {
    this.#options = options;
    this.#journal = new OnceJournal(options.journal);
  }

  /** Never throws: what `payment` throws is a `failed`. */
  execute(use: VerifiedUse<unknown>, payment: () => Payment): Promise<Effect> {
    const targetRef = endToEndId(use.useId);
    return this.#journal.execute(use, {
      targetRef,
      run: (attempt) => this.#pay(use.useId, attempt, payment()),
    });
  }

  /** To be asked before a use is claimed: without the account it would be spent for nothing. @throws {ConnectorError} TARGET_UNKNOWN */
  assertDebtor(account: string): void {
    this.#debtor(account);
  }

  async #pay(useId: string, attempt: Attempt, payment: Payment): Promise<Effect> {
    const { params, assertStill } = payment;
    const file = paymentFile(params, useId, this.#debtor(params.debtor_account));
    await assertStill?.();
    await assertFolder(this.#options.outbox);
    const reference = endToEndId(useId);
    const path = join(this.#options.outbox, `${reference}.xml`);
    const isMade = await attempt.send(() => createDurably(path, file));
    // Another journal has begun this very use, or somebody has put a file of this name there.
    if (!isMade && !equalBytes(await readFile(path), file)) {
      throw new ConnectorError(
        'EFFECT_DIFFERS',
        'expected no other file under the name of this use',
      );
    }
    return {
      result: 'succeeded',
      targetRef: reference,
      beforeDigest: ABSENT,
      afterDigest: digestBytes('countersign/file/v1', file),
    };
  }

  #debtor(account: string): Debtor {
    const { debtors } = this.#options;
    const debtor = Object.hasOwn(debtors, account) ? debtors[account] : undefined;
    if (debtor !== undefined) return debtor;
    throw new ConnectorError('TARGET_UNKNOWN', 'expected an account that this executor pays from');
  }
}

/** A folder that was unmounted must not be made anew: nobody would ever take the file from it. */
async function assertFolder(path: string): Promise<void> {
  try {
    if ((await stat(path)).isDirectory()) return;
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
  }
  throw new ConnectorError('TARGET_UNKNOWN', 'expected the outbox to be a folder');
}
