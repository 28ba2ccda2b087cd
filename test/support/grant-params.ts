import type { JsonObject } from '@countersign/canonical';

/** Of a `payment.grant`: as in docs/examples. */
export const GRANT_PARAMS: JsonObject = {
  debtor_account: 'DE89370400440532013000',
  creditor: { name: 'Nordlicht GmbH', account: 'AT611904300234573201', country: 'AT' },
  currency: 'EUR',
  amount_min: '0.01',
  amount_max: '500.00',
  remittance: 'Parcels of the week',
};
