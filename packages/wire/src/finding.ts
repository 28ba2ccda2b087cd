import { FINDING_SUBMITTED } from './avro-schema.ts';
import { decodeOnly, recordCodec, type RecordCodec } from './record-codec.ts';
import { WireError } from './wire-error.ts';

interface Finding {
  readonly tenant: string;
  /** Empty: which action a finding is about, if it is about one, its payload alone says. */
  readonly actionId: string;
  readonly payload: Uint8Array;
}

export const FINDING_CODEC: RecordCodec<{ tenant: string; payload: Uint8Array }> =
  recordCodec(FINDING_SUBMITTED);

/** @throws {WireError} WIRE_LIMIT, WIRE_MALFORMED */
export function encodeFinding({ tenant, actionId, payload }: Finding): Uint8Array {
  if (actionId !== '') {
    throw new WireError('WIRE_MALFORMED', 'expected a finding without an action id beside it');
  }
  return FINDING_CODEC.encode({ tenant, payload });
}

/** @throws {WireError} */
export function decodeFinding(bytes: Uint8Array): Finding {
  const { tenant, payload } = decodeOnly(FINDING_CODEC, bytes);
  return { tenant, actionId: '', payload };
}
