import { INTAKE, QUARANTINED } from './avro-schema.ts';
import { decodeOnly, recordCodec } from './record-codec.ts';

export type IntakeKind =
  | 'ActionRequested'
  | 'DecisionMade'
  | 'UseClaimed'
  | 'ExecutionReported'
  | 'Enrolment'
  | 'Erasure'
  | 'Tick';

export interface Intake {
  readonly kind: IntakeKind;
  /** Empty for a Tick. */
  readonly tenant: string;
  /** Empty where the input concerns no action. */
  readonly actionId: string;
  readonly payload: Uint8Array;
}

/** Tells what arrived without keeping it. */
export interface Quarantined {
  readonly kind: IntakeKind;
  readonly reason: string;
  readonly inputDigest: string;
  readonly sizeBytes: number;
}

const INTAKE_CODEC = recordCodec<{
  kind: IntakeKind;
  tenant: string;
  action_id: string;
  payload: Uint8Array;
}>(INTAKE);

const QUARANTINED_CODEC = recordCodec<{
  kind: IntakeKind;
  reason: string;
  input_digest: string;
  size: number;
}>(QUARANTINED);

/** @throws {WireError} WIRE_LIMIT, WIRE_MALFORMED */
export function encodeIntake({ kind, tenant, actionId, payload }: Intake): Uint8Array {
  return INTAKE_CODEC.encode({ kind, tenant, action_id: actionId, payload });
}

/** @throws {WireError} */
export function decodeIntake(bytes: Uint8Array): Intake {
  const { kind, tenant, action_id: actionId, payload } = decodeOnly(INTAKE_CODEC, bytes);
  return { kind, tenant, actionId, payload };
}

/** @throws {WireError} WIRE_LIMIT, WIRE_MALFORMED */
export function encodeQuarantined(quarantined: Quarantined): Uint8Array {
  const { kind, reason, inputDigest, sizeBytes } = quarantined;
  return QUARANTINED_CODEC.encode({ kind, reason, input_digest: inputDigest, size: sizeBytes });
}

/** @throws {WireError} */
export function decodeQuarantined(bytes: Uint8Array): Quarantined {
  const fields = decodeOnly(QUARANTINED_CODEC, bytes);
  const { kind, reason, input_digest: inputDigest, size: sizeBytes } = fields;
  return { kind, reason, inputDigest, sizeBytes };
}
