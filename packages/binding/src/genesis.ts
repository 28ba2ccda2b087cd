import { assertMember } from './member-check.ts';
import type { LedgerMember, Member, RelyingParty, Separation } from './authority-member.ts';
import { AuthorityState } from './authority.ts';
import { BindingError } from './binding-error.ts';
import { jsonOf } from './json-bytes.ts';
import type { LedgerFounded } from './ledger-entry.ts';
import { assertCedar } from './cedar-sentence.ts';
import { DEFAULT_BOOTSTRAP, DEFAULT_POLICY } from './default-policy.ts';
import { logKeyMember } from './log-key.ts';
import type { PolicyEngine } from './policy-engine.ts';
import {
  isCedarPolicy,
  parsePolicy,
  policyDigest,
  type BootstrapRule,
  type Policy,
} from './policy.ts';
import { isRecovery } from './recovery.ts';
import { RULES_VERSION, type RulesVersion } from './rules-version.ts';
import { invalid } from './shape.ts';

export interface FoundingParams {
  readonly at: string;
  readonly origin: string;
  readonly tenant: string;
  readonly separation: Separation;
  readonly demo: boolean;
  readonly rps: readonly RelyingParty[];
  /** Verifier keys of the log. */
  readonly logKeys: readonly string[];
  /** Persons, invitations, agents, executors, descriptors. */
  readonly members: readonly Member[];
  readonly bootstrap?: BootstrapRule;
  readonly policy?: Policy;
  /** Needed where the policy is one in Cedar. */
  readonly policyEngine?: PolicyEngine;
  /** Without a delay there is no recovery, and the quorum in the entry is of no use. */
  readonly recovery?: LedgerFounded['recovery'];
  /** The newest unless given. */
  readonly rulesVersion?: RulesVersion;
}

/**
 * The first entry of a ledger.
 *
 * @throws BindingError MEMBER_EXISTS, MEMBER_UNKNOWN, SCHEMA_INVALID when the founders do not fit together
 * @example encodeEntry(foundLedger({ at, origin, tenant, separation: 'solo', demo: false, rps, logKeys, members }))
 */
export function foundLedger(params: FoundingParams): LedgerFounded {
  const founding = {
    origin: params.origin,
    tenant: params.tenant,
    demo: params.demo,
    separation: params.separation,
    rps: params.rps,
    bootstrap: params.bootstrap ?? DEFAULT_BOOTSTRAP,
    log_keys: params.logKeys,
    members: params.members,
    recovery: params.recovery ?? { quorum: (params.bootstrap ?? DEFAULT_BOOTSTRAP).approvals },
    policy: params.policy ?? DEFAULT_POLICY,
  };
  assertApplicable(founding.policy, params.policyEngine);
  return {
    v: 'countersign.entry.v1',
    type: 'ledger-founded',
    at: params.at,
    ...founding,
    authority_root: foundingAuthority(founding).root,
    rules_version: params.rulesVersion ?? RULES_VERSION,
  };
}

/** Nobody approves a founding, so nobody else would notice. What is in a log already is never looked at again. */
function assertApplicable(policy: Policy, engine: PolicyEngine | undefined): void {
  if (!isCedarPolicy(policy)) return;
  if (engine === undefined) throw invalid('policy', 'an engine that reads it');
  parsePolicy(jsonOf(policy));
  assertCedar(policy, engine);
}

type Founding = Omit<LedgerFounded, 'v' | 'type' | 'at' | 'authority_root' | 'rules_version'>;

const NOT_OF_FOUNDERS: ReadonlySet<string> = new Set([
  'ledger',
  'policy',
  'log-key',
  'freeze',
  'deputy',
]);

function foundingAuthority(founding: Founding): AuthorityState {
  const authority = AuthorityState.of([
    {
      kind: 'ledger',
      id: 'ledger',
      origin: founding.origin,
      tenant: founding.tenant,
      separation: founding.separation,
      demo: founding.demo,
      rps: founding.rps,
      bootstrap: founding.bootstrap,
      ...recoveryOf(founding.recovery),
    },
    { kind: 'policy', id: 'policy', digest: policyDigest(founding.policy) },
    ...founding.log_keys.map(logKeyMember),
    ...founding.members,
  ]);
  if (authority.ofKind('invitation').some(isRecovery)) {
    throw invalid('members', 'no invitation of a recovery');
  }
  if (authority.ofKind('home').length > 1) throw invalid('members', 'at most one home');
  for (const member of founding.members) {
    if (NOT_OF_FOUNDERS.has(member.kind)) {
      throw invalid('members', 'no ledger, policy, log key, freeze or deputy');
    }
    // Nobody has proven it: a founder enrols by an invitation to be of a known model.
    if (member.kind === 'credential' && 'attestation' in member) {
      throw invalid('members', 'no attestation of a founding passkey');
    }
    assertMember(authority.without(member.kind, member.id), member);
  }
  return authority;
}

function recoveryOf({ quorum, delay_h }: Founding['recovery']): Pick<LedgerMember, 'recovery'> {
  return delay_h === undefined ? {} : { recovery: { quorum, delay_h } };
}

/**
 * The authority that a founding entry sets up, after checking that the entry says so itself.
 *
 * @throws BindingError GENESIS_MISMATCH, MEMBER_EXISTS, MEMBER_UNKNOWN, SCHEMA_INVALID
 */
export function authorityFromGenesis(entry: LedgerFounded): AuthorityState {
  const authority = foundingAuthority(entry);
  if (authority.root !== entry.authority_root) {
    throw new BindingError('GENESIS_MISMATCH', 'genesis: expected the root of its own members');
  }
  return authority;
}
