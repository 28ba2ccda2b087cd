import {
  canonicalBytes,
  isJsonArray,
  isJsonObject,
  valueAt,
  type JsonObject,
} from '@countersign/canonical';
import { parseAction, type Action } from './action.ts';
import type { FactRules } from './computation.ts';
import type { Descriptor } from './descriptor.ts';
import { DescriptorError } from './descriptor-error.ts';

type Batching = Pick<Descriptor, 'of'>;

const known = new WeakMap<Action, readonly Action[]>();

/**
 * Each item of a batch as the action that it is: with everything the batch says of who asks, who runs it and until when,
 * and to be used once. None for an action that is no batch. Its params have passed the schema of the batch.
 */
export function itemsOf({ of }: Batching, action: Action): readonly Action[] {
  const { envelope } = action;
  const items = of === undefined ? undefined : envelope.params['items'];
  if (of === undefined || !isJsonArray(items)) return [];
  const before = known.get(action);
  if (before !== undefined) return before;
  const all = items.map((item) => {
    const { params, preconditions = [] } = isJsonObject(item) ? item : {};
    const own: Record<string, unknown> = { params, preconditions, max_uses: 1 };
    const whole = { ...envelope, type: of.type, type_version: of.typeVersion, ...own };
    return parseAction(canonicalBytes(whole as unknown as JsonObject));
  });
  known.set(action, all);
  return all;
}

/** Whether a plan: each item waits for the one before it. */
export function orderOf({ envelope }: Action): 'any' | 'listed' {
  return envelope.params['order'] === 'listed' ? 'listed' : 'any';
}

/** What the items come to in money; undefined where their type has no amounts. */
export interface BatchTotal {
  readonly currency: string;
  readonly totalMinor: number;
  readonly largestMinor: number;
}

type FactsOfItem = (item: Action) => ReturnType<FactRules['of']>;

function hasMoney(kinds: FactRules['kinds']): boolean {
  return kinds['amount_minor'] === 'integer' && kinds['currency'] === 'text';
}

export function batchKinds(inner: FactRules['kinds']): FactRules['kinds'] {
  const own = { count: 'integer', order: 'text' } as const;
  if (!hasMoney(inner)) return own;
  return { ...own, currency: 'text', total_minor: 'integer', largest_minor: 'integer' };
}

/**
 * @throws {DescriptorError} SCHEMA_INVALID for amounts of several currencies, whose sum says nothing; LIMIT_EXCEEDED
 */
export function totalOf(
  items: readonly Action[],
  { kinds, facts }: { readonly kinds: FactRules['kinds']; readonly facts: FactsOfItem },
): BatchTotal | undefined {
  if (!hasMoney(kinds)) return undefined;
  const all = items.map(facts);
  const currencies = new Set(all.map(({ currency }) => String(currency)));
  const [currency = '', ...others] = currencies;
  if (others.length > 0) {
    throw new DescriptorError('SCHEMA_INVALID', '/params/items: expected one currency');
  }
  const amounts = all.map(({ amount_minor: amount }) => Number(amount));
  const totalMinor = amounts.reduce((sum, amount) => sum + amount, 0);
  // Each amount is a safe integer, so a sum that is one has lost no digit on the way.
  if (!Number.isSafeInteger(totalMinor)) {
    throw new DescriptorError('LIMIT_EXCEEDED', '/params/items: expected a smaller sum');
  }
  return { currency, totalMinor, largestMinor: Math.max(...amounts) };
}

/** Each item is used once, so an approval is for as many uses as it has items. @throws {DescriptorError} SCHEMA_INVALID */
export function assertUses({ envelope }: Action): void {
  const items = valueAt(envelope.params, '/items');
  if (isJsonArray(items) && items.length === envelope.max_uses) return;
  throw new DescriptorError('SCHEMA_INVALID', '/max_uses: expected one use for each item');
}
