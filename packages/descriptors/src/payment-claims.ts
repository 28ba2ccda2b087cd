import { timestampMs, type JsonObject } from '@countersign/canonical';
import type { Computation, Computed } from './computation.ts';
import type { DisplayLine } from './display.ts';
import { textAt } from './json-member.ts';
import { assertScale, isSameMoney, moneyText, type Money } from './money-text.ts';
import { textWarnings } from './text-lines.ts';
import { shownPlain } from './text-safety.ts';

const DAY_MS = 86_400_000;
/** Swindlers change an account shortly before they have it used. */
const RECENT_DAYS = 30;

const RESULTS: ReadonlyMap<string, string> = new Map([
  ['MATCH', 'MATCH: the bank of the payee knows the account under this name'],
  ['CLOSE_MATCH', 'CLOSE MATCH: the bank of the payee knows the account under nearly this name'],
  ['NO_MATCH', 'NO MATCH: the bank of the payee knows the account under another name'],
  ['NOT_POSSIBLE', 'NOT POSSIBLE: the bank of the payee gave no answer'],
]);

function invoiced(params: JsonObject): Money | undefined {
  const amount = textAt(params, '/invoice/amount/amount');
  if (amount === '') return undefined;
  return { amount, currency: textAt(params, '/invoice/amount/currency') };
}

function check(params: JsonObject): void {
  const invoice = invoiced(params);
  if (invoice !== undefined) assertScale(invoice, '/params/invoice/amount/amount');
}

/** A line with its warning, which says the same: a claim may make a person look twice, and never look away. */
function warned({ label, value }: DisplayLine): Computed {
  return { lines: [{ label, value, mark: 'warning' }], warnings: [`${label}: ${value}`] };
}

function plain(...lines: DisplayLine[]): Computed {
  return { lines, warnings: [] };
}

function payeeCheck(params: JsonObject): Computed {
  const label = 'Check of the payee';
  const result = textAt(params, '/payee_check/result');
  if (result === '') return warned({ label, value: 'none' });
  const value = `${RESULTS.get(result) ?? result}, at ${textAt(params, '/payee_check/checked_at')} (UTC)`;
  return result === 'MATCH' ? plain({ label, value }) : warned({ label, value });
}

function nameOnAccount(params: JsonObject): Computed {
  const name = textAt(params, '/payee_check/name_on_account');
  if (name === '') return plain();
  const label = 'Name that the bank knows';
  const shown = shownPlain(name);
  return { lines: [{ label, value: shown.text }], warnings: textWarnings(label, name, shown) };
}

function proofOfCheck(params: JsonObject): Computed {
  const digest = textAt(params, '/payee_check/evidence_digest');
  return digest === '' ? plain() : plain({ label: 'Proof of that check', value: digest });
}

function daysText(days: number): string {
  if (days < 0) return 'after the day of the payment';
  if (days === 0) return 'on the day of the payment';
  return days === 1 ? '1 day before the payment' : `${days} days before the payment`;
}

function recordChange(params: JsonObject): Computed {
  const label = 'Record of the payee';
  const changed = textAt(params, '/creditor/record_changed_at');
  if (changed === '') return plain({ label, value: 'when it was changed is not said' });
  const dayOf = (date: string): number => timestampMs(`${date}T00:00:00.000Z`);
  const from = dayOf(changed.slice(0, 10));
  const days = (dayOf(textAt(params, '/execution_date')) - from) / DAY_MS;
  const line = { label, value: `changed ${daysText(days)}, at ${changed} (UTC)` };
  return days <= RECENT_DAYS ? warned(line) : plain(line);
}

function invoiceAmount(params: JsonObject): Computed {
  const label = 'Amount of the invoice';
  const invoice = invoiced(params);
  if (invoice === undefined) return plain({ label, value: 'not given' });
  const paid = {
    amount: textAt(params, '/amount/amount'),
    currency: textAt(params, '/amount/currency'),
  };
  const isEqual = isSameMoney(invoice, paid);
  const line = {
    label,
    value: `${moneyText(invoice)}, equal to the amount that is paid: ${isEqual ? 'yes' : 'NO'}`,
  };
  return isEqual ? plain(line) : warned(line);
}

function compute(params: JsonObject): Computed {
  const parts = [payeeCheck, nameOnAccount, proofOfCheck, recordChange, invoiceAmount].map((part) =>
    part(params),
  );
  return {
    lines: parts.flatMap(({ lines }) => lines),
    warnings: parts.flatMap(({ warnings }) => warnings),
  };
}

/** What the agent says about the payee and the invoice, with what follows from it. */
export const PAYMENT_CLAIMS: Computation = {
  shows: [
    '/params/payee_check/result',
    '/params/payee_check/checked_at',
    '/params/payee_check/name_on_account',
    '/params/payee_check/evidence_digest',
    '/params/creditor/record_changed_at',
    '/params/invoice/amount/amount',
    '/params/invoice/amount/currency',
  ],
  check,
  compute,
};
