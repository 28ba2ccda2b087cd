import { formatTimestamp, toBase64url, type Digest, type JsonObject } from '@countersign/canonical';
import { newUlid } from '@countersign/crypto-node';

/** Who asks and who runs: what every action of this command line has in common. */
export interface ActionParties {
  readonly tenant: string;
  readonly agent: { readonly id: string; readonly key_thumbprint: Digest };
  readonly executor: {
    readonly id: string;
    readonly audience: string;
    readonly descriptor_digest: Digest;
  };
}

export interface ActionContent {
  readonly type: string;
  readonly typeVersion: number;
  readonly params: JsonObject;
  /** Seconds from now until nothing may start any more. */
  readonly lifeS: number;
}

export interface DraftSources {
  readonly nowMs: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
}

const NONCE_BYTES = 16;
const MS_PER_S = 1_000;

/** A complete action envelope with a new id and nonce: schemas/formats/action.md §2. */
export function draftAction(
  parties: ActionParties,
  content: ActionContent,
  { nowMs, randomBytes }: DraftSources,
): JsonObject & { readonly action_id: string } {
  return {
    v: 'countersign.action.v1',
    ...freshIds({ nowMs, randomBytes }),
    tenant: parties.tenant,
    type: content.type,
    type_version: content.typeVersion,
    agent: { ...parties.agent },
    acting_for: [],
    executor: { ...parties.executor },
    params: content.params,
    preconditions: [],
    not_after: formatTimestamp(nowMs() + content.lifeS * MS_PER_S),
    max_uses: 1,
  };
}

export function freshIds({ nowMs, randomBytes }: DraftSources): {
  action_id: string;
  nonce: string;
} {
  return { action_id: newUlid(nowMs()), nonce: toBase64url(randomBytes(NONCE_BYTES)) };
}
