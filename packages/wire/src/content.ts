import { CONTENT } from './avro-schema.ts';
import { decodeOnly, recordCodec } from './record-codec.ts';

export interface Content {
  readonly tenant: string;
  readonly actionId: string;
  readonly kind: 'ACTION' | 'RATIONALE';
  readonly digest: string;
  readonly body: Uint8Array;
}

const CODEC = recordCodec<{
  tenant: string;
  action_id: string;
  kind: Content['kind'];
  digest: string;
  body: Uint8Array;
}>(CONTENT);

/** @throws {WireError} WIRE_LIMIT, WIRE_MALFORMED */
export function encodeContent({ actionId, ...rest }: Content): Uint8Array {
  return CODEC.encode({ ...rest, action_id: actionId });
}

/** @throws {WireError} */
export function decodeContent(bytes: Uint8Array): Content {
  const { action_id: actionId, ...rest } = decodeOnly(CODEC, bytes);
  return { ...rest, actionId };
}
