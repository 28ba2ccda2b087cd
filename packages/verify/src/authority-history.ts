import type { AuthorityRef, AuthorityState } from '@countersign/binding';

/** The authority as of one of its entries. */
export interface AuthorityAt {
  readonly ref: AuthorityRef;
  readonly state: AuthorityState;
}

/** From genesis on. Each step was authorised under the one before it. */
export type AuthorityHistory = readonly AuthorityAt[];
