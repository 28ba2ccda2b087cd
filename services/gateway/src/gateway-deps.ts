import type { JsonObject, VerifySignature } from '@countersign/canonical';
import type { SignedRoot } from '@countersign/cose-receipt';
import type { Descriptor } from '@countersign/descriptors';
import type { ReadModels } from '@countersign/store';
import type { TraceContext } from '@countersign/tracing';
import type { NoteSigner } from '@countersign/tlog';
import type { FastifyBaseLogger } from 'fastify';
import type { Registry } from 'prom-client';
import type { GatewayLimits } from './gateway-limits.ts';
import type { IdentityConfig } from './identity-provider.ts';

export type InputKind =
  'request' | 'decision' | 'use' | 'report' | 'finding' | 'erasure' | 'enrolment';

export interface Submission {
  readonly kind: InputKind;
  readonly tenant: string;
  /** Empty for an enrolment, and for a finding, which need not be about one. */
  readonly actionId: string;
  /** The frame, canonical. */
  readonly payload: Uint8Array;
  /** Of the request that brought it. */
  readonly trace?: TraceContext;
}

/** The way into the ledger. */
export interface InputRouter {
  /**
   * Durable once it resolves, and MUST be safe to repeat: the ledger knows an input again by its digest.
   * `input` is its digest: that of the payload under the tag `input`.
   * @throws an error with code TENANT_UNKNOWN for a tenant that is not here; any other means that it cannot now
   */
  submit(submission: Submission): Promise<{ readonly input: string }>;
}

/** An entry as it is answered: its exact text, its place, and what proves it. */
export interface AnsweredEntry {
  readonly index: number;
  readonly leaf: string;
  readonly type: string;
  readonly text: string;
  readonly receipt: string;
}

export type InputAnswer =
  | {
      readonly kind: 'sealed';
      /** The entry that answers the input, then what followed from it at once. */
      readonly entries: readonly AnsweredEntry[];
    }
  | { readonly kind: 'quarantined'; readonly code: string };

/** What the projector serves. Only sealed entries are ever answered. */
export interface LogView {
  /** Undefined when the time is over. */
  waitForInput(digest: string, timeoutMs: number): Promise<InputAnswer | undefined>;
  /** Index of the newest stored entry about the action, once it is above `since`; undefined when the time is over. */
  waitForAction(
    action: { readonly tenant: string; readonly actionId: string; readonly since: number },
    timeoutMs: number,
  ): Promise<number | undefined>;
  /** Whether the read models hold that many entries in time. */
  waitForStored(size: number, timeoutMs: number): Promise<boolean>;
  /** Size of the newest cosigned head, once it is at least this; undefined when the time is over. */
  waitForCosigned(size: number, timeoutMs: number): Promise<number | undefined>;
  /** The evidence bundle of an action that is bound. */
  evidence(tenant: string, actionId: string, level?: 'human' | 'witnessed'): Promise<JsonObject>;
}

/** The read models, as much of them as is served. */
export type Models = Pick<
  ReadModels,
  | 'action'
  | 'actions'
  | 'bindings'
  | 'checkpoint'
  | 'checkpointWithin'
  | 'content'
  | 'cosigned'
  | 'decidedPage'
  | 'document'
  | 'entries'
  | 'entriesOf'
  | 'entriesOfType'
  | 'entryWithLeaf'
  | 'findings'
  | 'formerMembers'
  | 'input'
  | 'member'
  | 'memberByThumbprint'
  | 'memberPage'
  | 'members'
  | 'nodes'
  | 'typedEntries'
  | 'usesCalled'
>;

export const WRITER_STATES = [
  'starting',
  'running',
  'waiting-signer',
  'waiting-broker',
  'stopped',
] as const;

export interface LedgerHealth {
  readonly writer: {
    readonly state: (typeof WRITER_STATES)[number];
    /** Why it does not run. */
    readonly code?: string;
  };
  /** Entries under the newest signed head, and when that was signed; null where nobody knows. */
  readonly sealedSize: number;
  readonly sealedAtMs: number | null;
  /** Entries that the read models hold. */
  readonly projectedSize: number;
  /** null where nobody knows. */
  readonly bindings: number | null;
  /** Of a ledger that asks witnesses, where this process asks them. */
  readonly witnesses?: {
    /** Entries under the newest head that a quorum has cosigned. */
    readonly cosignedSize: number;
    /** Names of those that did not answer last, or not as they should. */
    readonly away: readonly string[];
  };
  /** By code, of those that this process has stored; undefined where another one stores. */
  readonly findings?: ReadonlyMap<string, number>;
}

/** A token that may read everything of one tenant, whether it is sent or signs the requests. */
export interface ReadToken {
  /** A secret, and the key of its HMACs: never logged, and no part of an answer. */
  readonly token: string;
  readonly tenant: string;
}

export interface GatewayConfig {
  /** Origin of the ledger. */
  readonly ledger: string;
  /** Web origins under which people and machines reach this gateway; the first one is in links. */
  readonly publicOrigins: readonly string[];
  /** More values of the Host header that are ours, for probes inside a cluster. */
  readonly moreHosts?: readonly string[];
  readonly version: string;
  /** Anybody may read the tiles of the log; else only who may read everything. */
  readonly publicLog?: boolean;
  /** The policy of the witnesses that are asked, as text; none are unless given. */
  readonly witnessPolicy?: string;
  /** Certificates whose keys vouch for models of authenticators, DER in base64url; asked for by none unless given. */
  readonly attestationRoots?: readonly string[];
  /** Folder of the page; without it the gateway is an API only. */
  readonly pageFolder?: string;
  readonly limits?: Partial<GatewayLimits>;
}

/**
 * Signs the root of a checkpoint for COSE receipts. MUST refuse one that the log has not signed.
 * @throws SignerError; TlogError SIGNING_KEY_NOT_VALID_AT for a head that no key here may sign
 */
export type SignHeadRoot = (note: string) => Promise<SignedRoot>;

/** A key that may promise for the log, and the note by which the log's key says so. */
export interface PromiseKey {
  readonly signer: NoteSigner;
  readonly certificate: string;
}

export interface GatewayDeps {
  readonly config: GatewayConfig;
  readonly router: InputRouter;
  readonly view: LogView;
  readonly models: Models;
  /** The action types that this build can show. */
  readonly descriptors: readonly Descriptor[];
  readonly health: () => LedgerHealth;
  readonly readTokens: readonly ReadToken[];
  readonly verifySignature: VerifySignature;
  /** Absent where no key of the log is at hand: then there are no COSE receipts. */
  readonly signHeadRoot?: SignHeadRoot;
  /** Absent where no key may promise arrivals. @throws SignerError where the key of the log cannot sign now */
  readonly promiseKey?: () => Promise<PromiseKey | undefined>;
  readonly nowMs: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly logger: FastifyBaseLogger;
  /** Where people sign in with a company account; they do not unless given. */
  readonly identity?: IdentityConfig;
  /** Of what else is measured in this process; it is told with the gateway's own. */
  readonly registry?: Registry;
}
