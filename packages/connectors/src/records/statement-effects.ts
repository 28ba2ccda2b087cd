import { createHash } from 'node:crypto';
import { moneyText, type TargetEffect } from '@countersign/reconcile';
import { readStatement, type StatementLine } from '../payment/bank-status.ts';
import { newest, type TargetRecord } from './target-record.ts';

const LAST_MOMENT = 'T23:59:59.999Z';

/**
 * Debits of a camt.053. A line has no name of its own in it that all banks give, so it is named by what it says and by
 * how many like it came before it in the same statement.
 *
 * @throws {ConnectorError} RECORD_FORMAT, RECORD_LIMIT
 */
export function readStatementEffects(bytes: Uint8Array): TargetRecord {
  const lines = readStatement(bytes);
  const seen = new Map<string, number>();
  const effects = lines
    .filter(({ direction, isReversal }) => direction === 'debit' && !isReversal)
    .map((line) => effectOf(line, seen));
  const days = lines.flatMap(({ bookedOn }) => bookedOn ?? []);
  const last = newest(days);
  return { effects, kinds: ['payment'], until: last === '' ? '' : `${last}${LAST_MOMENT}` };
}

function effectOf(line: StatementLine, seen: Map<string, number>): TargetEffect {
  const text = JSON.stringify(line);
  const count = seen.get(text) ?? 0;
  seen.set(text, count + 1);
  return {
    record: 'camt.053',
    id: `${createHash('sha256').update(text).digest('hex').slice(0, 32)}-${count}`,
    at: line.bookedOn ?? '',
    kind: 'payment',
    target: line.creditorAccount ?? '',
    ...(line.endToEndId !== undefined && { reference: line.endToEndId }),
    facts: {
      amount: moneyText(line.amount),
      currency: line.currency,
      ...(line.account !== undefined && { debtor: line.account }),
    },
  };
}
