import type { Digest } from '@countersign/canonical';
import type { Action, Descriptor } from '@countersign/descriptors';
import type { AgentMember } from './authority-member.ts';
import type { CedarPolicy } from './policy.ts';
import type { Recent } from './recent-counts.ts';

/** Why a policy cannot be set, and where in its text. */
export interface PolicyFault {
  /** Of the policy within the text, where that could be told. */
  readonly id?: string;
  /** From 1 on. */
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

/** What a policy is asked about. The params have passed the descriptor. */
export interface PolicySubject {
  readonly action: Action;
  readonly descriptor: Descriptor;
  readonly agent: AgentMember;
  /** How many it asked for before; none unless given. */
  readonly recent?: Pick<Recent, 'count_1h' | 'count_24h'>;
}

/** What satisfied policies came to. Forbids win; with one of them no permits are told. */
export interface PolicyAnswer {
  readonly permits: readonly { readonly id: string; readonly rule: string }[];
  readonly forbids: readonly string[];
}

/**
 * One policy, read. Answers MUST depend on the policy and the question alone, in every process and for ever: a
 * replay asks again. Each answer is undefined where any of the policies failed to evaluate: Cedar skips those, and
 * what a skipped one forbids would be allowed.
 */
export interface OpenPolicy {
  /** Whether anything in it looks at what an agent claims. */
  readonly readsClaims: boolean;
  /** Whether anything in it looks at how many were asked for before. */
  readonly readsRecent: boolean;
  /** What it says of who may decide: nothing, only who may not, or who may. */
  readonly deciders: 'unsaid' | 'forbidden' | 'permitted';
  ask(subject: PolicySubject, claims: 'with' | 'without'): PolicyAnswer | undefined;
  /** Whether it permits, and whether it forbids, this person to decide. */
  decide(
    subject: PolicySubject,
    claims: 'with' | 'without',
    person: string,
  ): { readonly isPermitted: boolean; readonly isForbidden: boolean } | undefined;
}

/** Reads and evaluates the Cedar of policies of version 3. schemas/formats/policy.md §7. */
export interface PolicyEngine {
  /** Everything for which a policy must not be set; none for one that may. */
  faults(policy: CedarPolicy): readonly PolicyFault[];
  /** Undefined for a text that does not parse. The digest is the policy's own. */
  open(policy: CedarPolicy, digest: Digest): OpenPolicy | undefined;
}
