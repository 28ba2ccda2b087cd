import { sha256, toHex, type Digest, type JsonObject } from '@countersign/canonical';
import {
  stateDigest,
  type Connector,
  type Effect,
  type LiveState,
  type VerifiedUse,
} from '../connector.ts';
import { assertApproved } from '../once.ts';
import { PaymentOutbox, type PaymentOutboxOptions } from './payment-outbox.ts';
import type { PaymentParams } from './payment-params.ts';
import type { VendorRecords } from './vendor-records.ts';

export interface PaymentConnectorOptions extends PaymentOutboxOptions {
  readonly vendors: VendorRecords;
}

const INTERFACE: JsonObject = {
  v: 'countersign.executor-interface.v1',
  interface: 'countersign.executor.payment-file.v1',
  write: 'one pain.001.001.09 file for one use, moved whole into the outbox of the bank client',
  before: 'the record of the payee and the document of the invoice equal the approved ones',
  record: 'EndToEndId is CS- and the last sixteen characters of the use id',
};

/** Pays by a file. That the bank has taken it, and settled it, is told by its own files: pain.002 and camt.053. */
export class PaymentConnector implements Connector<PaymentParams> {
  readonly type: string = 'payment.transfer';
  readonly interface: JsonObject = INTERFACE;
  readonly #vendors: VendorRecords;
  readonly #outbox: PaymentOutbox;

  constructor(options: PaymentConnectorOptions) {
    this.#vendors = options.vendors;
    this.#outbox = new PaymentOutbox(options);
  }

  async preconditions(params: PaymentParams): Promise<LiveState> {
    const { creditor, debtor_account: account, invoice } = params;
    this.#outbox.assertDebtor(account);
    return {
      ...(creditor.record_id !== undefined && {
        'payee.record': stateDigest(await this.#vendors.payee(creditor.record_id)),
      }),
      ...(invoice !== undefined && {
        // As sha256sum tells it, so that a person can compare it with the document at hand.
        invoice: documentDigest(await this.#vendors.invoice(invoice.number)),
      }),
    };
  }

  execute(use: VerifiedUse<PaymentParams>): Promise<Effect> {
    const { params, preconditions } = use;
    return this.#outbox.execute(use, () => ({
      params,
      assertStill: async () => {
        const live = await this.preconditions(params);
        assertApproved(preconditions, live);
        // What was shown as the document must be it too.
        if (params.invoice !== undefined) {
          assertApproved({ invoice: params.invoice.document_digest }, live);
        }
      },
    }));
  }
}

function documentDigest(bytes: Uint8Array): Digest {
  return `sha256:${toHex(sha256(bytes))}`;
}
