import {
  BindingError,
  DEFAULT_BOOTSTRAP,
  DEFAULT_POLICY,
  parseApprovalRule,
  policyDigest,
  type BootstrapRule,
  type Policy,
  type RecoveryRule,
  type Separation,
} from '@countersign/binding';
import { CliError, cliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import type { LedgerMark } from './data-folder.ts';
import { assertFit, readJson, readPolicy } from './policy-file.ts';

/** What a ledger is founded with, where it is not the usual. */
export interface FoundingRules {
  readonly policy?: Policy;
  readonly bootstrap?: BootstrapRule;
}

interface RuleFiles {
  readonly policy?: string;
  readonly policyCedar?: string;
  readonly bootstrap?: string;
}

/** Who could sign at first, of a ledger that is not founded yet. */
interface Founders {
  readonly count: number;
  readonly separation: Separation;
}

/** The founding is one entry, with the founders and their keys. */
const RULES_BYTES_MAX = 40_000;

/**
 * Read before anything is made: nobody approves a founding, so what is wrong is said now, with the place.
 *
 * @throws CliError USAGE, FILE_UNREADABLE, FILE_TOO_LARGE, and the codes of the ledger
 */
export async function foundingRules(
  files: RuleFiles,
  founders: Founders | undefined,
  context: CliContext,
): Promise<FoundingRules> {
  const { policy: file, policyCedar: cedar, bootstrap } = files;
  if (file === undefined && cedar !== undefined) {
    throw cliError('USAGE', '--policy-cedar: expected --policy with it');
  }
  const policy = file === undefined ? undefined : await readPolicy(file, cedar, context);
  if (policy !== undefined) assertFit(policy);
  const rule = bootstrap === undefined ? undefined : await readRule(bootstrap, context);
  if (founders !== undefined) assertReachable(rule ?? DEFAULT_BOOTSTRAP, founders, bootstrap);
  const rules = {
    ...(policy !== undefined && { policy }),
    ...(rule !== undefined && { bootstrap: rule }),
  };
  if (JSON.stringify(rules).length <= RULES_BYTES_MAX) return rules;
  throw cliError(
    'USAGE',
    `--policy: expected at most ${RULES_BYTES_MAX} characters to found with`,
    {
      hint: 'found it with a smaller one, and set this one then: docs/policies.md',
    },
  );
}

async function readRule(file: string, context: CliContext): Promise<BootstrapRule> {
  const json = await readJson(file, 'bootstrap rule', context);
  try {
    return parseApprovalRule(json);
  } catch (error) {
    if (!(error instanceof BindingError)) throw error;
    throw new CliError(error.code, `${file}: ${error.message}`, { cause: error });
  }
}

/**
 * The founding invites persons whose ids nobody knows before: a rule that they cannot meet is for ever. The first of them owns the
 * agents that ask, and under separation `full` does not count.
 */
function assertReachable(
  { approvals, approvers }: BootstrapRule,
  { count, separation }: Founders,
  file: string | undefined,
): void {
  const others = separation === 'full' ? count - 1 : count;
  if (approvers === 'any' && approvals <= others) return;
  const needed = approvals + count - others;
  const expected =
    approvers === 'any'
      ? `expected --founders ${needed} or more${separation === 'full' ? ' with --separation full' : ''}`
      : 'expected approvers any, for the founding invites persons whom nobody knows before';
  throw new CliError('WOULD_LOCK_OUT', `${file ?? 'the founding'}: ${expected}`);
}

/** Long enough for somebody who is away over a weekend to hear of it. */
export const RECOVERY_DELAY_H = 72;

interface RecoveryOptions {
  readonly recovery?: boolean;
  readonly recoveryQuorum?: number;
  readonly recoveryDelay?: number;
}

/**
 * As many persons as a change needs: fewer would be cheaper than a change but for the delay. docs/recovery.md
 *
 * @throws CliError USAGE
 */
export function recoveryFor(
  { recovery: isWanted, recoveryQuorum, recoveryDelay }: RecoveryOptions,
  { bootstrap = DEFAULT_BOOTSTRAP }: FoundingRules,
): { readonly recovery?: RecoveryRule } {
  if (isWanted === false) {
    if (recoveryQuorum === undefined && recoveryDelay === undefined) return {};
    throw cliError('USAGE', 'expected --no-recovery, or how it is to be, not both');
  }
  const quorum = recoveryQuorum ?? bootstrap.approvals;
  return { recovery: { quorum, delay_h: recoveryDelay ?? RECOVERY_DELAY_H } };
}

/** @throws CliError DATA_OTHER_FOUNDING */
export function assertSameRules({ policy, bootstrap }: FoundingRules, mark: LedgerMark): void {
  const isSamePolicy =
    policy === undefined || policyDigest(policy) === policyDigest(mark.policy ?? DEFAULT_POLICY);
  const isSameRule =
    bootstrap === undefined ||
    policyDigest(bootstrap) === policyDigest(mark.bootstrap ?? DEFAULT_BOOTSTRAP);
  if (isSamePolicy && isSameRule) return;
  const name = isSamePolicy ? 'bootstrap rule' : 'policy';
  throw cliError(
    'DATA_OTHER_FOUNDING',
    `the ledger in this folder was founded with another ${name}`,
    {
      hint: 'a policy is set with `countersign policy check FILE --request`; the bootstrap rule never changes',
    },
  );
}
