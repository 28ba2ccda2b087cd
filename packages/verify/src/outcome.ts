import type { Digest } from '@countersign/canonical';
import {
  isOfSecondGroup,
  type Assurance,
  type BindingMade,
  type Leaf,
  type Requirement,
  type Separation,
} from '@countersign/binding';
import type { ProofClass } from '@countersign/human-proof';
import type { Evidence } from './evidence.ts';
import type { Positions } from './log-check.ts';
import { StepLog, type Step } from './step-log.ts';
import { refusalOf, VerifyError, type VerifyCode } from './verify-error.ts';

/** Each level includes the one before. */
export type Level = 'sealed' | 'human' | 'witnessed';

export interface Outcome<F = Facts> {
  /** An executor runs on VALID alone. */
  readonly outcome: 'VALID' | 'REFUSED' | 'INDETERMINATE';
  /** Of the first step that failed; absent when VALID. */
  readonly code?: VerifyCode;
  readonly level: Level;
  readonly steps: readonly Step[];
  /** What has been proven; only when VALID. */
  readonly facts?: F;
}

export interface ApproverFacts {
  readonly person: string;
  /** In whose place; absent in their own. */
  readonly for?: string;
  /** Could approve only because the request had gone on to others: schemas/formats/policy.md §14. */
  readonly second_group?: true;
  readonly credential: string;
  readonly proof_class: ProofClass;
  /** For how long the device says that it showed it. */
  readonly claimed_dwell_ms?: number;
}

export interface ApprovalFacts extends ApproverFacts {
  /** Absent when erased. */
  readonly rationale?: string;
}

export interface UseFacts {
  readonly use_id: string;
  readonly used_at: string;
  readonly start_by: string;
}

export interface Facts {
  readonly tenant: string;
  readonly action_id: string;
  readonly action_digest: Digest;
  readonly action_type: string;
  readonly agent: string;
  readonly executor: string;
  readonly binding: { readonly leaf: Leaf; readonly index: number };
  readonly approvals: readonly ApprovalFacts[];
  readonly bound_at: string;
  readonly use_by: string;
  readonly max_uses: number;
  readonly separation: Separation;
  /** As the policy says; absent where it says nothing. */
  readonly assurance?: Assurance;
  /** Where a rule for emergencies has bound it: schemas/formats/policy.md §8. */
  readonly break_glass?: Requirement['break_glass'];
  readonly demo: boolean;
  readonly is_content_erased: boolean;
  readonly uses: readonly UseFacts[];
  readonly revoked_at?: string;
  /** By when a quorum of witnesses had seen it, by their clocks; only at level `witnessed`. */
  readonly witnessed_at?: string;
}

/** Runs the steps; a VerifyError ends them and becomes the outcome. Anything else is a bug, and goes on. */
export async function outcomeOf<F = Facts>(
  level: Level,
  check: (log: StepLog) => Promise<F>,
): Promise<Outcome<F>> {
  const log = new StepLog();
  try {
    const facts = await check(log);
    return { outcome: 'VALID', level, steps: log.steps, facts };
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    const refusal = refusalOf(error);
    log.fail(refusal.outcome === 'REFUSED' ? 'refused' : 'indeterminate', error);
    return { ...refusal, level, steps: log.steps };
  }
}

export function factsOf(evidence: Evidence, positions: Positions): Facts {
  const { entry, leaf } = evidence.binding;
  const [revocation] = evidence.revocations;
  const { assurance, break_glass } = entry.requirement;
  return {
    tenant: entry.tenant,
    action_id: entry.action_id,
    action_digest: entry.action_digest,
    action_type: `${entry.action_type.name}/${entry.action_type.version}`,
    agent: entry.agent.id,
    executor: entry.executor.id,
    binding: { leaf, index: positions.binding },
    approvals: approvalsOf(evidence),
    bound_at: entry.at,
    use_by: entry.use_by,
    max_uses: entry.max_uses,
    separation: entry.separation,
    ...(assurance !== undefined && { assurance }),
    ...(break_glass !== undefined && { break_glass }),
    demo: entry.demo,
    is_content_erased: evidence.content.action === null,
    uses: evidence.uses.map(({ entry: use }) => ({
      use_id: use.use_id,
      used_at: use.at,
      start_by: use.start_by,
    })),
    ...(revocation !== undefined && { revoked_at: revocation.entry.at }),
  };
}

function approvalsOf({ binding, content }: Evidence): ApprovalFacts[] {
  return approversOf(binding.entry).map((approver, position) => {
    const rationale = content.rationales[position]?.text;
    return { ...approver, ...(rationale !== undefined && { rationale }) };
  });
}

/** Of a binding that was verified, in the order of its decisions. */
export function approversOf({ decisions, requirement }: BindingMade): ApproverFacts[] {
  return decisions.map((decision) => {
    const { person, for: principal, credential, proof_class, claimed_dwell_ms } = decision;
    return {
      person,
      ...(principal !== undefined && { for: principal }),
      ...(isOfSecondGroup(requirement, principal ?? person) && { second_group: true }),
      credential,
      proof_class,
      ...(claimed_dwell_ms !== undefined && { claimed_dwell_ms }),
    };
  });
}
