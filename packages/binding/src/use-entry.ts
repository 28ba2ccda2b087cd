import type { Digest } from '@countersign/canonical';
import { head, type EntryHead } from './entry-head.ts';
import {
  digest,
  ed25519Signature,
  id,
  leaf,
  refusalCode,
  time,
  ulid,
  type Leaf,
} from './field-shape.ts';
import type { RefusalCode } from './refusal-code.ts';
import { integer, matching, object, optional, text, type Shape } from './shape.ts';

export interface BindingUsed extends EntryHead<'binding-used'> {
  readonly action_id: string;
  readonly binding: Leaf;
  readonly use_id: string;
  /** From 1. */
  readonly use_number: number;
  readonly executor: string;
  /** The signed payload, as text. */
  readonly claim: string;
  readonly key_thumbprint: Digest;
  readonly signature: string;
  readonly start_by: string;
  readonly short_id: string;
  readonly input: Digest;
}

/** A use claim, or a report about a use, that was refused. */
export interface UseRefused extends EntryHead<'use-refused'> {
  readonly action_id: string;
  readonly use_id: string;
  readonly executor: string;
  readonly key_thumbprint: Digest;
  readonly code: RefusalCode;
  /** With ALREADY_CONSUMED: the use that came first. */
  readonly first_use?: string;
  /** With CONSTRAINT_VIOLATED: the name of a bound, `max_uses` or `use_by`. */
  readonly constraint?: string;
  readonly input: Digest;
}

export interface ExecutionReported extends EntryHead<'execution-reported'> {
  readonly action_id: string;
  readonly use_id: string;
  /** The signed payload, as text. */
  readonly report: string;
  readonly key_thumbprint: Digest;
  readonly signature: string;
  readonly input: Digest;
}

const PAYLOAD_TEXT_MAX = 8_192;

export const payloadText: Shape<string> = text(PAYLOAD_TEXT_MAX, 2);

export const bindingUsed: Shape<BindingUsed> = object<BindingUsed>({
  ...head('binding-used'),
  action_id: ulid,
  binding: leaf,
  use_id: ulid,
  use_number: integer(1, 100),
  executor: id,
  claim: payloadText,
  key_thumbprint: digest,
  signature: ed25519Signature,
  start_by: time,
  short_id: matching(/^cs-[0-9A-HJKMNP-TV-Z]{10}$/, 'cs- and ten characters'),
  input: digest,
});

export const useRefused: Shape<UseRefused> = object<UseRefused>({
  ...head('use-refused'),
  action_id: ulid,
  use_id: ulid,
  executor: id,
  key_thumbprint: digest,
  code: refusalCode,
  first_use: optional(ulid),
  constraint: optional(text(32)),
  input: digest,
});

export const executionReported: Shape<ExecutionReported> = object<ExecutionReported>({
  ...head('execution-reported'),
  action_id: ulid,
  use_id: ulid,
  report: payloadText,
  key_thumbprint: digest,
  signature: ed25519Signature,
  input: digest,
});
