import type { Digest } from '@countersign/canonical';
import { digest, id, tenant, time, ulid } from './field-shape.ts';
import { parseCanonicalObject } from './json-bytes.ts';
import {
  integer,
  list,
  matching,
  object,
  oneOf,
  optional,
  tag,
  text,
  type Shape,
} from './shape.ts';
import { SIGNED_PAYLOAD_LIMITS } from './use-claim.ts';

export interface ExecutionOutput {
  readonly name: string;
  readonly digest: Digest;
  readonly bytes: number;
}

/** What an executor says came of a use: schemas/formats/entries.md §3. */
export interface ExecutionReport {
  readonly v: 'countersign.report.v1';
  readonly tenant: string;
  readonly action_id: string;
  readonly use_id: string;
  readonly action_digest: Digest;
  readonly executor: string;
  readonly result: 'succeeded' | 'failed' | 'unknown';
  readonly exit_status?: number;
  readonly target_ref?: string;
  readonly before_digest?: Digest;
  readonly after_digest?: Digest;
  readonly outputs?: readonly ExecutionOutput[];
  readonly started_at: string;
  readonly ended_at: string;
}

const OUTPUTS_MAX = 8;
const EXIT_STATUS_MAX = 0xffff_ffff;

const output: Shape<ExecutionOutput> = object<ExecutionOutput>({
  name: matching(/^[a-z0-9][a-z0-9._-]{0,31}$/, 'a name of 1 to 32 characters'),
  digest,
  bytes: integer(0),
});

const executionReport: Shape<ExecutionReport> = object<ExecutionReport>({
  v: tag('countersign.report.v1'),
  tenant,
  action_id: ulid,
  use_id: ulid,
  action_digest: digest,
  executor: id,
  result: oneOf('succeeded', 'failed', 'unknown'),
  exit_status: optional(integer(-EXIT_STATUS_MAX, EXIT_STATUS_MAX)),
  target_ref: optional(text(200)),
  before_digest: optional(digest),
  after_digest: optional(digest),
  outputs: optional(list(output, { max: OUTPUTS_MAX })),
  started_at: time,
  ended_at: time,
});

/** @throws BindingError NOT_CANONICAL, TYPE_CONFUSION, UNKNOWN_MEMBER, SCHEMA_INVALID, and the codes of the gate */
export function parseExecutionReport(payload: Uint8Array): ExecutionReport {
  return executionReport(parseCanonicalObject(payload, SIGNED_PAYLOAD_LIMITS), 'report');
}
