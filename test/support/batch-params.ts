import type { JsonObject } from '@countersign/canonical';

/** An item of a `batch.payment.transfer`: a payment with nothing but what must be there. */
export function paymentItem(amount: string, name: string = 'Nordlicht GmbH'): JsonObject {
  return {
    params: {
      rail: 'sepa-sct',
      debtor_account: 'DE89370400440532013000',
      creditor: { name, account: 'AT611904300234573201', country: 'AT' },
      amount: { amount, currency: 'EUR' },
      execution_date: '2026-11-23',
      charge_bearer: 'SLEV',
      policy_exception: {
        rule: 'ap.limit',
        policy_digest: `sha256:${'b3'.repeat(32)}`,
        reason_code: 'none',
      },
    },
  };
}
