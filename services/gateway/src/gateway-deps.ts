import type { VerifySignature } from '@countersign/canonical';
import type { ReadModels } from '@countersign/store';
import type { Intake, IntakeKind } from '@countersign/wire';
import type { FastifyBaseLogger } from 'fastify';
import type { GatewayLimits } from './gateway-limits.ts';

export type InputKind = Exclude<IntakeKind, 'Tick'>;

/** The way into the ledger. */
export interface InputRouter {
  /**
   * Durable once it resolves, and MUST be safe to repeat: the ledger knows an input again by its digest.
   * The tenant is empty for nothing; the action id is empty for an enrolment.
   * @returns the input's digest: that of the payload under the tag `input`.
   */
  submit(input: Intake & { readonly kind: InputKind }): Promise<string>;
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
  /** An evidence bundle as canonical text; undefined while nothing is bound. */
  evidence(tenant: string, actionId: string): Promise<string | undefined>;
  readonly proofs: {
    /** The receipt (tlog-proof) of a sealed entry. */
    receipt(index: number): Promise<string>;
    /** Positions MUST be within the sealed log. */
    inclusion(index: number, size: number): Promise<readonly Uint8Array[]>;
    consistency(from: number, to: number): Promise<readonly Uint8Array[]>;
  };
}

/** The read models, as much of them as is served. */
export type Models = Pick<
  ReadModels,
  | 'action'
  | 'actions'
  | 'checkpoint'
  | 'content'
  | 'decisions'
  | 'document'
  | 'entries'
  | 'entriesOf'
  | 'input'
  | 'member'
  | 'memberByThumbprint'
  | 'members'
>;

export interface LedgerHealth {
  /** `running` alone takes inputs; the code says why it does not. */
  readonly writer: { readonly state: 'running' | 'starting' | 'stopped'; readonly code?: string };
  /** Entries in the newest head, and when it was sealed. */
  readonly sealedSize: number;
  readonly sealedAtMs: number | null;
  /** Entries that the read models hold. */
  readonly projectedSize: number;
  readonly bindings: number;
}

/** A bearer token that may read everything of one tenant. Only its digest is kept here. */
export interface ReadToken {
  /** SHA-256 of the token's UTF-8 bytes, lower-case hex. */
  readonly sha256: string;
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
  /** Folder of the page; without it the gateway is an API only. */
  readonly pageFolder?: string;
  readonly limits?: Partial<GatewayLimits>;
}

export interface GatewayDeps {
  readonly config: GatewayConfig;
  readonly router: InputRouter;
  readonly view: LogView;
  readonly models: Models;
  readonly health: () => LedgerHealth;
  readonly readTokens: readonly ReadToken[];
  readonly verifySignature: VerifySignature;
  readonly nowMs: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly logger: FastifyBaseLogger;
}
