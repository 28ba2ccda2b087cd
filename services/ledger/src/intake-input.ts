import type { InputKind, RawInput } from '@countersign/binding';
import type { NewRecord, StoredRecord } from '@countersign/broker';
import { digestBytes, type Digest } from '@countersign/canonical';
import { traceHeaders, type TraceContext } from '@countersign/tracing';
import {
  ROUTER_SOURCE,
  WireError,
  decodeIntake,
  encodeIntake,
  encodeQuarantined,
  eventHeaders,
  type IntakeKind,
} from '@countersign/wire';

/** What can be submitted. Ticks are the ledger's own. */
export type SubmitKind = Exclude<InputKind, 'tick'>;

const WIRE_KINDS: Readonly<Record<InputKind, IntakeKind>> = {
  request: 'ActionRequested',
  decision: 'DecisionMade',
  use: 'UseClaimed',
  report: 'ExecutionReported',
  finding: 'FindingSubmitted',
  erasure: 'Erasure',
  enrolment: 'Enrolment',
  tick: 'Tick',
};

const INPUT_KINDS: Readonly<Record<IntakeKind, InputKind>> = {
  ActionRequested: 'request',
  DecisionMade: 'decision',
  UseClaimed: 'use',
  ExecutionReported: 'report',
  FindingSubmitted: 'finding',
  Erasure: 'erasure',
  Enrolment: 'enrolment',
  Tick: 'tick',
};

/** What erasure finds everything about an action by, in every topic that holds content. */
export function contentKey(tenant: string, actionId: string): string {
  return `${tenant}/${actionId}`;
}

export interface Submission {
  readonly kind: SubmitKind;
  readonly tenant: string;
  /** Empty for an enrolment and a finding. */
  readonly actionId: string;
  /** The frame, exactly as received. */
  readonly payload: Uint8Array;
  /** Of the request that brought it. */
  readonly trace?: TraceContext;
}

/** By which the sender finds the answer. */
export function inputDigest(payload: Uint8Array): Digest {
  return digestBytes('countersign/input/v1', payload);
}

/**
 * Only what carries content goes by the key that an erasure removes: a claim or a report about an action
 * whose content is being erased must not vanish before it is decided.
 *
 * @throws WireError WIRE_LIMIT
 */
export function intakeRecord(submission: Submission): NewRecord {
  const { kind, tenant, actionId, payload, trace } = submission;
  const record = kind === 'finding' ? 'FindingSubmitted' : 'Intake';
  const key = contentKey(tenant, actionId);
  return {
    key: kind === 'request' || kind === 'decision' ? key : `${key}/${kind}`,
    value: encodeIntake({ kind: WIRE_KINDS[kind], tenant, actionId, payload }),
    headers: {
      ...eventHeaders({ record, id: inputDigest(payload), source: ROUTER_SOURCE }),
      ...traceHeaders(trace),
    },
  };
}

export interface Refused {
  readonly kind: InputKind;
  readonly input: Digest;
  readonly reason: string;
  readonly sizeBytes: number;
  /** Who tells of it. */
  readonly source: string;
}

/** What tells that an input was refused without an entry, and keeps nothing of it. */
export function quarantineRecord({ kind, input, reason, sizeBytes, source }: Refused): NewRecord {
  const record = kind === 'finding' ? 'FindingQuarantined' : 'Quarantined';
  return {
    key: input,
    value: encodeQuarantined({ kind: WIRE_KINDS[kind], reason, inputDigest: input, sizeBytes }),
    headers: eventHeaders({ record, id: `${input}/${reason}`, source }),
  };
}

export function tickRecord(nowMs: number): NewRecord {
  const payload = new Uint8Array();
  return {
    key: 'tick',
    value: encodeIntake({ kind: 'Tick', tenant: '', actionId: '', payload }),
    headers: eventHeaders({ record: 'Intake', id: `tick/${nowMs}`, source: ROUTER_SOURCE }),
  };
}

/** Undefined for what was erased before it was decided, and for what is no input. */
export function rawInput(record: StoredRecord): RawInput | undefined {
  if (record.value === null) return undefined;
  try {
    const { kind, payload } = decodeIntake(record.value);
    return {
      kind: INPUT_KINDS[kind],
      bytes: payload,
      input: inputDigest(payload),
      appendTimeMs: record.appendTimeMs,
      offset: record.offset,
    };
  } catch (error) {
    // The router writes nothing else here; whoever does is not answered, and stops nobody.
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
