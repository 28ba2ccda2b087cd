import { ACTION_REQUESTED, DECISION_MADE, EXECUTION_REPORTED, USE_CLAIMED } from './avro-schema.ts';
import { decodeFinding, encodeFinding } from './finding.ts';
import { decodeOnly, recordCodec, type RecordCodec } from './record-codec.ts';

export type PublicTopic =
  'action-requested' | 'decision-made' | 'use-claimed' | 'execution-reported' | 'finding-submitted';

export interface PublicEvent {
  readonly tenant: string;
  /** Empty for a finding. */
  readonly actionId: string;
  /** As received: what digests and signatures are over. */
  readonly payload: Uint8Array;
}

interface Fields {
  tenant: string;
  action_id: string;
  payload: Uint8Array;
}

const CODECS: Readonly<Record<Exclude<PublicTopic, 'finding-submitted'>, RecordCodec<Fields>>> = {
  'action-requested': recordCodec(ACTION_REQUESTED),
  'decision-made': recordCodec(DECISION_MADE),
  'use-claimed': recordCodec(USE_CLAIMED),
  'execution-reported': recordCodec(EXECUTION_REPORTED),
};

/** @throws {WireError} WIRE_LIMIT, WIRE_MALFORMED */
export function encodePublic(topic: PublicTopic, event: PublicEvent): Uint8Array {
  if (topic === 'finding-submitted') return encodeFinding(event);
  const { tenant, actionId, payload } = event;
  return CODECS[topic].encode({ tenant, action_id: actionId, payload });
}

/** @throws {WireError} */
export function decodePublic(topic: PublicTopic, bytes: Uint8Array): PublicEvent {
  if (topic === 'finding-submitted') return decodeFinding(bytes);
  const { tenant, action_id: actionId, payload } = decodeOnly(CODECS[topic], bytes);
  return { tenant, actionId, payload };
}
