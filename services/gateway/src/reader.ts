import type { ActionRow } from '@countersign/store';

/** Who reads, once that is proved. */
export type Reader =
  | {
      readonly kind: 'agent';
      readonly id: string;
      readonly tenant: string;
      readonly operator: boolean;
    }
  | { readonly kind: 'executor'; readonly id: string; readonly tenant: string }
  | {
      readonly kind: 'person';
      readonly id: string;
      readonly tenant: string;
      readonly credential: string;
      readonly expiresAtMs: number;
    }
  | { readonly kind: 'token'; readonly id: string; readonly tenant: string }
  /** Signed in at the company, and in the group that may read there. */
  | { readonly kind: 'colleague'; readonly id: string; readonly tenant: string };

/** Persons of the tenant, its operators and holders of a read token see all of it; other machines, what they ask or run. */
export function mayRead(reader: Reader, action: ActionRow): boolean {
  if (action.tenant !== reader.tenant) return false;
  if (mayReadAll(reader)) return true;
  return (reader.kind === 'executor' ? action.executor : action.agent) === reader.id;
}

export function mayReadAll(reader: Reader): boolean {
  switch (reader.kind) {
    case 'agent':
      return reader.operator;
    case 'executor':
      return false;
    case 'person':
    case 'token':
    case 'colleague':
      return true;
  }
}
