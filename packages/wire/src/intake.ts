import { FINDING_QUARANTINED, INTAKE, QUARANTINED } from './avro-schema.ts';
import { FINDING_CODEC, decodeFinding, encodeFinding } from './finding.ts';
import { decodeOnly, fingerprintOfFrame, recordCodec } from './record-codec.ts';

/** The symbols of an enum never change, so what came later has records of its own. schemas/formats/batch-and-wire.md §3, §6 */
type EnumKind =
  | 'ActionRequested'
  | 'DecisionMade'
  | 'UseClaimed'
  | 'ExecutionReported'
  | 'Enrolment'
  | 'Erasure'
  | 'Tick';

export type IntakeKind = EnumKind | 'FindingSubmitted';

export interface Intake {
  readonly kind: IntakeKind;
  /** Empty for a Tick. */
  readonly tenant: string;
  /** Empty where the input concerns no action, and always for a finding. */
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
  kind: EnumKind;
  tenant: string;
  action_id: string;
  payload: Uint8Array;
}>(INTAKE);

interface QuarantinedFields {
  reason: string;
  input_digest: string;
  size: number;
}

const QUARANTINED_CODEC = recordCodec<QuarantinedFields & { kind: EnumKind }>(QUARANTINED);
const FINDING_QUARANTINED_CODEC = recordCodec<QuarantinedFields>(FINDING_QUARANTINED);

/** @throws {WireError} WIRE_LIMIT, WIRE_MALFORMED */
export function encodeIntake({ kind, tenant, actionId, payload }: Intake): Uint8Array {
  return kind === 'FindingSubmitted'
    ? encodeFinding({ tenant, actionId, payload })
    : INTAKE_CODEC.encode({ kind, tenant, action_id: actionId, payload });
}

/** @throws {WireError} */
export function decodeIntake(bytes: Uint8Array): Intake {
  if (fingerprintOfFrame(bytes) === FINDING_CODEC.fingerprint) {
    return { kind: 'FindingSubmitted', ...decodeFinding(bytes) };
  }
  const { kind, tenant, action_id: actionId, payload } = decodeOnly(INTAKE_CODEC, bytes);
  return { kind, tenant, actionId, payload };
}

/** @throws {WireError} WIRE_LIMIT, WIRE_MALFORMED */
export function encodeQuarantined(quarantined: Quarantined): Uint8Array {
  const { kind, reason, inputDigest, sizeBytes } = quarantined;
  const fields = { reason, input_digest: inputDigest, size: sizeBytes };
  return kind === 'FindingSubmitted'
    ? FINDING_QUARANTINED_CODEC.encode(fields)
    : QUARANTINED_CODEC.encode({ kind, ...fields });
}

/** @throws {WireError} */
export function decodeQuarantined(bytes: Uint8Array): Quarantined {
  const isFinding = fingerprintOfFrame(bytes) === FINDING_QUARANTINED_CODEC.fingerprint;
  const fields = isFinding
    ? { kind: 'FindingSubmitted' as const, ...FINDING_QUARANTINED_CODEC.decode(bytes) }
    : decodeOnly(QUARANTINED_CODEC, bytes);
  const { kind, reason, input_digest: inputDigest, size: sizeBytes } = fields;
  return { kind, reason, inputDigest, sizeBytes };
}
