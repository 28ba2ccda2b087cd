import { randomBytes } from 'node:crypto';
import { formatTimestamp, toBase64url, type Digest, type JsonObject } from '@countersign/canonical';
import { newUlid } from '@countersign/crypto-node';
import type { Precondition, Principal } from '@countersign/descriptors';

/** Who asks and who runs: what the actions of one agent have in common. */
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
  /** As `generic.command`. */
  readonly type: string;
  readonly typeVersion: number;
  readonly params: JsonObject;
  /** Seconds from now until nothing may start any more. */
  readonly lifeS: number;
  readonly preconditions?: readonly Precondition[];
  /** Outermost principal first. */
  readonly actingFor?: readonly Principal[];
  /** 1 unless given. */
  readonly maxUses?: number;
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
  sources: DraftSources = { nowMs: Date.now, randomBytes },
): JsonObject & { readonly action_id: string } {
  const { type, typeVersion, params, lifeS } = content;
  const { preconditions = [], actingFor = [], maxUses = 1 } = content;
  return {
    v: 'countersign.action.v1',
    ...freshIds(sources),
    tenant: parties.tenant,
    type,
    type_version: typeVersion,
    agent: { ...parties.agent },
    acting_for: actingFor.map((principal) => ({ ...principal })),
    executor: { ...parties.executor },
    params,
    preconditions: preconditions.map((precondition) => ({ ...precondition })),
    not_after: formatTimestamp(sources.nowMs() + lifeS * MS_PER_S),
    max_uses: maxUses,
  };
}

export function freshIds({ nowMs, randomBytes: random }: DraftSources): {
  action_id: string;
  nonce: string;
} {
  return {
    action_id: newUlid(nowMs()),
    nonce: toBase64url(new Uint8Array(random(NONCE_BYTES))),
  };
}
