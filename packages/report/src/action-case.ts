import type { Leaf, RequestAdmitted, Verdict } from '@countersign/binding';
import type { Digest } from '@countersign/canonical';

export type CaseEnd = 'bound' | 'denied' | 'expired' | 'revoked' | 'superseded';

export interface CaseDecision {
  readonly person: string;
  /** In whose place. */
  readonly principal?: string;
  /** Could decide only because the request had gone on to others. */
  readonly isOfSecondGroup: boolean;
  /** For how long the device says that it showed it. */
  readonly claimedDwellMs?: number;
  readonly verdict: Verdict;
  readonly proofClass: string;
  readonly at: string;
  readonly index: number;
  readonly leaf: Leaf;
}

/** What the log tells of one action. Its content is not in the log. */
export interface ActionCase {
  readonly actionId: string;
  readonly actionType: string;
  readonly actionDigest: Digest;
  readonly agent: string;
  readonly owner: string;
  readonly executor: string;
  readonly askedAt: string;
  readonly decideBy: string;
  readonly admission: { readonly index: number; readonly leaf: Leaf };
  readonly decisions: readonly CaseDecision[];
  /** Undefined while it is open. */
  readonly end: CaseEnd | undefined;
  readonly endedAt: string | undefined;
  readonly binding: { readonly index: number; readonly leaf: Leaf } | undefined;
  readonly uses: number;
  /** Of the last report of a use. */
  readonly result: string | undefined;
  readonly revokedAt: string | undefined;
  readonly erasedAt: string | undefined;
}

/** While the log is being read. */
export type GrowingCase = { -readonly [K in keyof ActionCase]: ActionCase[K] } & {
  decisions: CaseDecision[];
  readonly requirement: RequestAdmitted['requirement'];
};

export function newCase(
  entry: RequestAdmitted,
  admission: { readonly index: number; readonly leaf: Leaf },
): GrowingCase {
  const { name, version } = entry.action_type;
  return {
    actionId: entry.action_id,
    actionType: `${name}/${version}`,
    actionDigest: entry.action_digest,
    agent: entry.agent.id,
    owner: entry.agent.owner,
    executor: entry.executor.id,
    requirement: entry.requirement,
    askedAt: entry.at,
    decideBy: entry.decide_by,
    admission,
    decisions: [],
    end: undefined,
    endedAt: undefined,
    binding: undefined,
    uses: 0,
    result: undefined,
    revokedAt: undefined,
    erasedAt: undefined,
  };
}
