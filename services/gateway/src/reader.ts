import type { ActionRow } from '@countersign/store';

/** Who reads, once that is proved. */
export type Reader =
  | { readonly kind: 'agent' | 'executor'; readonly id: string; readonly tenant: string }
  | {
      readonly kind: 'person';
      readonly id: string;
      readonly tenant: string;
      readonly credential: string;
      readonly expiresAtMs: number;
    }
  | { readonly kind: 'token'; readonly id: string; readonly tenant: string };

/** Persons of the tenant and holders of a read token see all of it; a machine sees what it asked or is to run. */
export function mayRead(reader: Reader, action: ActionRow): boolean {
  if (action.tenant !== reader.tenant) return false;
  switch (reader.kind) {
    case 'agent':
      return action.agent === reader.id;
    case 'executor':
      return action.executor === reader.id;
    case 'person':
    case 'token':
      return true;
  }
}

export function mayReadAll(reader: Reader): boolean {
  return reader.kind === 'person' || reader.kind === 'token';
}
