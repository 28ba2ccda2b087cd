import type { Digest } from '@countersign/canonical';

export interface Money {
  readonly amount: string;
  readonly currency: string;
}

/** What of a payment.transfer this connector sends or checks: schemas/json/payment.transfer.v1.json. */
export interface PaymentParams {
  readonly rail: string;
  readonly debtor_account: string;
  readonly creditor: {
    readonly name: string;
    readonly account: string;
    readonly bic?: string;
    readonly country: string;
    readonly lei?: string;
    readonly record_id?: string;
  };
  readonly amount: Money;
  readonly execution_date: string;
  readonly uetr?: string;
  readonly charge_bearer: string;
  readonly purpose_code?: string;
  readonly remittance?: string;
  readonly invoice?: { readonly number: string; readonly document_digest: Digest };
}
