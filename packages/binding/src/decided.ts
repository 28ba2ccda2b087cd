import type { Digest } from '@countersign/canonical';
import type { Entry } from './entry.ts';
import type { Leaf } from './field-shape.ts';
import type { HeldInput } from './held-input.ts';
import type { RefusalCode } from './refusal-code.ts';

/** An entry at its place in the log. */
export interface PlacedEntry {
  readonly entry: Entry;
  readonly bytes: Uint8Array;
  readonly leaf: Leaf;
  readonly index: number;
}

/** What goes into the content store beside the log, before the entries that name it. */
export type ContentWrite =
  | { readonly kind: 'action'; readonly digest: Digest; readonly text: string }
  | {
      readonly kind: 'rationale';
      readonly digest: Digest;
      readonly text: string;
      readonly salt: string;
    }
  | { readonly kind: 'erase'; readonly digest: Digest };

/** What became of an input. */
export type Outcome =
  | { readonly status: 'accepted' }
  | { readonly status: 'refused'; readonly code: RefusalCode }
  /** It was answered before, by the entry with this index. */
  | { readonly status: 'repeated'; readonly index: number }
  /** Its admission is not known yet. */
  | { readonly status: 'held' }
  | { readonly status: 'quarantined'; readonly code: RefusalCode };

export interface Decided {
  readonly entries: readonly PlacedEntry[];
  readonly content: readonly ContentWrite[];
  readonly outcome: Outcome;
  /** The held inputs from now on, if they changed. */
  readonly held?: readonly HeldInput[];
  /** Held inputs that were given up without an entry, because their sender is beyond its quota. */
  readonly dropped: readonly { readonly input: Digest; readonly code: RefusalCode }[];
  /**
   * No other input joins this batch: the authority changed, with which later signatures are to be checked, or the
   * fold was committed to, and is to be kept as it is then.
   */
  readonly endsBatch: boolean;
}
