/** A JSON value. Numbers are safe integers only: schemas/formats/canonical-json.md §2. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

export type JsonObject = { readonly [name: string]: Json };

/**
 * Nesting that neither the gate nor the writer goes beyond, whatever limits a caller passes: far above
 * every format of ours, and low enough that a deep document or a cyclic value cannot exhaust the stack.
 */
export const DEPTH_CEILING = 128;
