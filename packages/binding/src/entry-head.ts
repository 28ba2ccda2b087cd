import { tenant, time } from './field-shape.ts';
import { tag, type Shape } from './shape.ts';

/** What every entry begins with: schemas/formats/entries.md §2. */
export interface EntryHead<T extends string> {
  readonly v: 'countersign.entry.v1';
  readonly type: T;
  /** Ledger time. */
  readonly at: string;
  readonly tenant: string;
}

export function head<const T extends string>(
  type: T,
): { readonly [K in keyof EntryHead<T>]: Shape<EntryHead<T>[K]> } {
  return { v: tag('countersign.entry.v1'), type: tag(type), at: time, tenant };
}
