import { formatTimestamp, ulidTimeMs, type JsonObject } from '@countersign/canonical';
import { violatedBound } from '@countersign/descriptors';
import { ConnectorError } from '../connector-error.ts';
import type { Connector, Effect, LiveState, VerifiedUse } from '../connector.ts';
import { PaymentOutbox, type PaymentOutboxOptions } from './payment-outbox.ts';
import type { PaymentParams } from './payment-params.ts';

/** All of a payment.grant: schemas/json/payment.grant.v1.json. */
export interface GrantParams {
  readonly debtor_account: string;
  readonly creditor: { readonly name: string; readonly account: string; readonly country: string };
  readonly currency: string;
  readonly amount_min: string;
  readonly amount_max: string;
  readonly remittance: string;
  /** What the claim of the use has chosen: the guard hands it out beside what was approved. */
  readonly amount?: string;
}

const INTERFACE: JsonObject = {
  v: 'countersign.executor-interface.v1',
  interface: 'countersign.executor.payment-file.v1',
  write:
    'one pain.001.001.09 file for one use, over the amount that its claim has chosen, moved whole into the outbox of the bank client',
  before: 'the amount is within the limits of the grant',
  day: 'the day of the use, in UTC, is the day on which the bank is asked to pay',
  record: 'EndToEndId is CS- and the last sixteen characters of the use id',
};

/** Pays by a file, as PaymentConnector does, what each use has chosen within its grant. */
export class GrantConnector implements Connector<GrantParams> {
  readonly type: string = 'payment.grant';
  readonly interface: JsonObject = INTERFACE;
  readonly #outbox: PaymentOutbox;

  constructor(options: PaymentOutboxOptions) {
    this.#outbox = new PaymentOutbox(options);
  }

  /** A grant names no live state: the payee and the limits are all that was approved. */
  preconditions({ debtor_account: account }: GrantParams): Promise<LiveState> {
    return Promise.resolve().then(() => {
      this.#outbox.assertDebtor(account);
      return {};
    });
  }

  execute(use: VerifiedUse<GrantParams>): Promise<Effect> {
    return this.#outbox.execute(use, () => ({ params: paymentOf(use.params, use.useId) }));
  }
}

/** The ledger, the verifier and the guard have each held the claim to its limits: this one holds the money. */
function paymentOf(grant: GrantParams, useId: string): PaymentParams {
  const { amount, amount_min: min, amount_max: max, currency, creditor, remittance } = grant;
  const bounds = [{ name: 'amount', kind: 'money', min, max }] as const;
  if (typeof amount !== 'string' || violatedBound(bounds, { amount }) !== undefined) {
    throw new ConnectorError(
      'CONSTRAINT_VIOLATED',
      'expected an amount within the limits of the grant',
    );
  }
  return {
    rail: 'sepa-sct',
    debtor_account: grant.debtor_account,
    creditor,
    amount: { amount, currency },
    execution_date: formatTimestamp(ulidTimeMs(useId)).slice(0, 'YYYY-MM-DD'.length),
    charge_bearer: 'SLEV',
    remittance,
  };
}
