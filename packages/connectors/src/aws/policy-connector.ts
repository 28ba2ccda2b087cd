import type { JsonObject } from '@countersign/canonical';
import { ConnectorError } from '../connector-error.ts';
import {
  stateDigest,
  type Connector,
  type Effect,
  type LiveState,
  type VerifiedUse,
} from '../connector.ts';
import { assertApproved, OnceJournal, type Attempt } from '../once.ts';
import { withTargetLock } from '../target-lock.ts';
import { useAccess, type AwsAccess } from './aws-access.ts';
import { ManagedPolicy, type LivePolicy } from './managed-policy.ts';

/** What of an iam.policy.change this connector sends or checks: schemas/json/iam.policy.change.v1.json. */
export interface PolicyParams {
  readonly provider: string;
  readonly account: string;
  readonly target: {
    readonly kind: string;
    readonly ref: string;
    readonly current_version?: string;
    readonly attached_principals?: readonly string[];
  };
  readonly before: string;
  readonly after: string;
}

export interface PolicyConnectorOptions {
  readonly access: AwsAccess;
  /** Records of what was begun and done, and locks: shared by all executors of the account. */
  readonly journal: string;
}

const INTERFACE: JsonObject = {
  v: 'countersign.executor-interface.v1',
  interface: 'countersign.executor.iam-policy.v1',
  write: 'CreatePolicyVersion with SetAsDefault and exactly the approved text',
  before: 'the live text, version and principals equal the approved ones',
  after: 'the text read back equals the approved one, in the only version that is new',
  record: 'tag countersign-use on the policy, and the name of the session of the role',
};

/** Writes one managed policy of AWS, byte for byte as it was approved. */
export class PolicyConnector implements Connector<PolicyParams> {
  readonly type: string = 'iam.policy.change';
  readonly interface: JsonObject = INTERFACE;
  readonly #access: AwsAccess;
  readonly #folder: string;
  readonly #journal: OnceJournal;

  constructor({ access, journal }: PolicyConnectorOptions) {
    this.#access = access;
    this.#folder = journal;
    this.#journal = new OnceJournal(journal);
  }

  preconditions(params: PolicyParams): Promise<LiveState> {
    return withPolicy(this.#access, params, async (policy) => liveState(await policy.read()));
  }

  execute(use: VerifiedUse<PolicyParams>): Promise<Effect> {
    const targetRef = use.params.target.ref;
    const run = async (attempt: Attempt): Promise<Effect> => {
      const access = await useAccess(this.#access, use);
      return withTargetLock({ folder: this.#folder, targetRef }, () =>
        withPolicy(access, use.params, (policy) => change(policy, use, attempt)),
      );
    };
    return this.#journal.execute(use, { targetRef, run });
  }
}

async function withPolicy<T>(
  access: AwsAccess,
  { provider, account, target }: PolicyParams,
  work: (policy: ManagedPolicy) => Promise<T>,
): Promise<T> {
  const isOurs = target.ref.startsWith(`arn:aws:iam::${account}:policy/`);
  if (provider !== 'aws' || target.kind !== 'managed-policy' || !isOurs) {
    throw new ConnectorError('NOT_SUPPORTED', 'expected a managed policy of the account');
  }
  const policy = new ManagedPolicy(access, target.ref);
  try {
    return await work(policy);
  } finally {
    policy.close();
  }
}

/**
 * IAM has no conditional write. What somebody who does not hold the lock writes between our read and our write is a
 * version that is new and not ours; what is changed right after shows when it is read back. The numbers tell nothing: those of
 * versions that were deleted before leave gaps.
 */
async function change(
  policy: ManagedPolicy,
  use: VerifiedUse<PolicyParams>,
  attempt: Attempt,
): Promise<Effect> {
  const { params, preconditions, shortId } = use;
  const before = await policy.read();
  assertApproved(preconditions, liveState(before));
  assertShown(params, before);
  const version = await attempt.send(() => policy.write(params.after));
  const now = await policy.read();
  const isAlone = now.versions.every((id) => id === version || before.versions.includes(id));
  if (!isAlone || now.versionId !== version || now.document !== params.after) {
    throw new ConnectorError('EFFECT_DIFFERS', 'expected our text, in the only new version');
  }
  await policy.tag(shortId);
  return {
    result: 'succeeded',
    targetRef: `${params.target.ref} ${version}`,
    beforeDigest: stateDigest(before.document),
    afterDigest: stateDigest(now.document),
  };
}

function liveState({ document, versionId, principals }: LivePolicy): LiveState {
  return {
    'policy.before': stateDigest(document),
    'policy.version': stateDigest(versionId),
    attachments: stateDigest([...principals]),
  };
}

/** The fields that were shown as live state must be so too: a digest beside them could tell of another one. */
function assertShown({ before, target }: PolicyParams, live: LivePolicy): void {
  const { current_version: version, attached_principals: principals } = target;
  const isSame =
    before === live.document &&
    (version === undefined || version === live.versionId) &&
    (principals === undefined || [...principals].sort().join() === live.principals.join());
  if (!isSame) {
    throw new ConnectorError('PRECONDITION_STALE', 'expected the live policy that was shown');
  }
}
