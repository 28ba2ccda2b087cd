import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  digestBytes,
  equalBytes,
  sha256,
  toHex,
  type Digest,
  type JsonObject,
} from '@countersign/canonical';
import { ConnectorError } from '../connector-error.ts';
import {
  stateDigest,
  type Connector,
  type Effect,
  type LiveState,
  type VerifiedUse,
} from '../connector.ts';
import { createDurably, isSystemError } from '../durable-file.ts';
import { assertApproved, OnceJournal, type Attempt } from '../once.ts';
import { endToEndId, paymentFile, type Debtor } from './pain-001.ts';
import type { PaymentParams } from './payment-params.ts';
import type { VendorRecords } from './vendor-records.ts';

export interface PaymentConnectorOptions {
  /** Where the bank's client takes its files from. */
  readonly outbox: string;
  /** Records of what was begun and done; never removed. */
  readonly journal: string;
  /** The accounts that may be paid from. */
  readonly debtors: Readonly<Record<string, Debtor>>;
  readonly vendors: VendorRecords;
}

const INTERFACE: JsonObject = {
  v: 'countersign.executor-interface.v1',
  interface: 'countersign.executor.payment-file.v1',
  write: 'one pain.001.001.09 file for one use, moved whole into the outbox of the bank client',
  before: 'the record of the payee and the document of the invoice equal the approved ones',
  record: 'EndToEndId is CS- and the last sixteen characters of the use id',
};

const ABSENT: Digest = stateDigest(null);

/** Pays by a file. That the bank has taken it, and settled it, is told by its own files: pain.002 and camt.053. */
export class PaymentConnector implements Connector<PaymentParams> {
  readonly type: string = 'payment.transfer';
  readonly interface: JsonObject = INTERFACE;
  readonly #options: PaymentConnectorOptions;
  readonly #journal: OnceJournal;

  constructor(options: PaymentConnectorOptions) {
    this.#options = options;
    this.#journal = new OnceJournal(options.journal);
  }

  async preconditions(params: PaymentParams): Promise<LiveState> {
    const { vendors } = this.#options;
    const { creditor, invoice } = params;
    return {
      ...(creditor.record_id !== undefined && {
        'payee.record': stateDigest(await vendors.payee(creditor.record_id)),
      }),
      ...(invoice !== undefined && {
        // As sha256sum tells it, so that a person can compare it with the document at hand.
        invoice: documentDigest(await vendors.invoice(invoice.number)),
      }),
    };
  }

  execute(use: VerifiedUse<PaymentParams>): Promise<Effect> {
    const targetRef = endToEndId(use.useId);
    return this.#journal.execute(use, { targetRef, run: (attempt) => this.#pay(use, attempt) });
  }

  async #pay(use: VerifiedUse<PaymentParams>, attempt: Attempt): Promise<Effect> {
    const { params } = use;
    const debtor = this.#debtor(params.debtor_account);
    const file = paymentFile(params, use.useId, debtor);
    const live = await this.preconditions(params);
    assertApproved(use.preconditions, live);
    // What was shown as the document must be it too.
    if (params.invoice !== undefined) {
      assertApproved({ invoice: params.invoice.document_digest }, live);
    }
    await assertFolder(this.#options.outbox);
    const reference = endToEndId(use.useId);
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

function documentDigest(bytes: Uint8Array): Digest {
  return `sha256:${toHex(sha256(bytes))}`;
}
