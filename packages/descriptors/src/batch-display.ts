import type { Action } from './action.ts';
import { itemsOf, orderOf } from './batch.ts';
import { preconditionLines } from './common-lines.ts';
import { CURRENCIES } from './currency-table.ts';
import type { Descriptor } from './descriptor.ts';
import type { DisplayLine, OwnLines } from './display.ts';
import { batchTotal } from './facts.ts';
import { moneyOf, moneyText } from './money-text.ts';

const ORDER = {
  any: 'each runs once, in any order',
  listed: 'a plan: each runs once, after the one before it has succeeded',
} as const;

/** How many there are and what they come to, then each as it would be shown alone: batch-of-actions.md §2. */
export function batchLines(
  descriptor: Descriptor,
  action: Action,
  ownLines: (descriptor: Descriptor, action: Action) => OwnLines,
): OwnLines {
  const items = itemsOf(descriptor, action);
  const count = items.length === 1 ? '1 item' : `${items.length} items`;
  const lines: DisplayLine[] = [{ label: 'Items', value: `${count}: ${ORDER[orderOf(action)]}` }];
  const total = batchTotal(descriptor, action);
  if (total !== undefined) {
    const { currency, totalMinor, largestMinor } = total;
    const name = CURRENCIES.get(currency)?.name ?? currency;
    lines.push(
      { label: 'In all', value: `${moneyText(moneyOf(totalMinor, currency))} (${name})` },
      { label: 'The largest', value: moneyText(moneyOf(largestMinor, currency)) },
    );
  }
  const warnings: string[] = [];
  const claims: DisplayLine[] = [];
  for (const [index, item] of items.entries()) {
    const prefix = `Item ${index + 1}: `;
    const own = descriptor.of && ownLines(descriptor.of, item);
    if (own === undefined) continue;
    const labelled = (line: DisplayLine): DisplayLine => ({ ...line, label: prefix + line.label });
    lines.push(...own.lines.map(labelled));
    if (item.envelope.preconditions.length > 0) {
      lines.push(...preconditionLines(item.envelope).map(labelled));
    }
    warnings.push(...own.warnings.map((warning) => prefix + warning));
    claims.push(...own.claims.map(labelled));
  }
  return { lines, warnings, claims };
}
