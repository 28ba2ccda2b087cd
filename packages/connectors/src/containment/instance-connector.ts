import {
  CreateTagsCommand,
  DescribeInstancesCommand,
  EC2Client,
  ModifyInstanceAttributeCommand,
  type Instance,
} from '@aws-sdk/client-ec2';
import type { JsonObject } from '@countersign/canonical';
import {
  type AwsAccess,
  awsRefusal,
  clientSettings,
  timeout,
  useAccess,
  withClient,
} from '../aws/aws-access.ts';
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
import type { ContainParams, InstanceTarget } from './contain-params.ts';
import { IncidentFolder } from './incident-folder.ts';

export type InstanceParams = ContainParams<InstanceTarget>;

export interface InstanceConnectorOptions {
  readonly access: AwsAccess;
  readonly incidents: string;
  readonly journal: string;
}

const INTERFACE: JsonObject = {
  v: 'countersign.executor-interface.v1',
  interface: 'countersign.executor.containment.v1',
  system: 'aws-ec2-security-groups',
  write: 'ModifyInstanceAttribute with exactly the groups that were approved',
  before: 'the name and the groups of the instance equal the approved ones',
  after: 'the groups read back equal the approved ones',
  record: 'tags countersign-use and countersign-groups-before, and a note in the incident',
};

/** What a tag holds: 256 characters, and an id of a group has 20. */
const GROUPS_PER_TAG = 8;

interface LiveInstance {
  readonly owner: string;
  readonly name: string;
  readonly state: string;
  readonly groups: readonly string[];
  readonly interfaces: number;
}

/** Puts an instance of EC2 into a quarantine group, and back into the groups that it was in. */
export class InstanceConnector implements Connector<InstanceParams> {
  readonly type: string = 'response.contain';
  readonly interface: JsonObject = INTERFACE;
  readonly #access: AwsAccess;
  readonly #folder: string;
  readonly #incidents: IncidentFolder;
  readonly #journal: OnceJournal;

  constructor({ access, incidents, journal }: InstanceConnectorOptions) {
    this.#access = access;
    this.#folder = journal;
    this.#incidents = new IncidentFolder(incidents);
    this.#journal = new OnceJournal(journal);
  }

  async preconditions(params: InstanceParams): Promise<LiveState> {
    return {
      'device.record': await withClient(
        new EC2Client(clientSettings(this.#access)),
        async (client) => recordDigest(await this.#read(client, params)),
      ),
      'incident.state': await this.#incidents.state(params),
    };
  }

  execute(use: VerifiedUse<InstanceParams>): Promise<Effect> {
    const targetRef = use.params.target.id;
    const run = async (attempt: Attempt): Promise<Effect> => {
      const access = await useAccess(this.#access, use);
      return withTargetLock({ folder: this.#folder, targetRef }, () =>
        withClient(new EC2Client(clientSettings(access)), (client) =>
          this.#contain(client, use, attempt),
        ),
      );
    };
    return this.#journal.execute(use, { targetRef, run });
  }

  async #contain(
    client: EC2Client,
    use: VerifiedUse<InstanceParams>,
    attempt: Attempt,
  ): Promise<Effect> {
    const { params } = use;
    const { id, groups_after: after } = params.target;
    const before = await this.#read(client, params);
    assertApproved(use.preconditions, {
      'device.record': recordDigest(before),
      'incident.state': await this.#incidents.state(params),
    });
    assertShown(params.target, before);
    await attempt.send(() =>
      client
        .send(
          new ModifyInstanceAttributeCommand({ InstanceId: id, Groups: [...after] }),
          timeout(this.#access),
        )
        .catch(awsRefusal),
    );
    const now = await this.#read(client, params);
    if (now.groups.join() !== [...after].sort().join()) {
      throw new ConnectorError('EFFECT_DIFFERS', 'expected the groups that were approved');
    }
    await client.send(
      new CreateTagsCommand({ Resources: [id], Tags: tagsOf(use.shortId, before.groups) }),
      timeout(this.#access),
    );
    const effect: Effect = {
      result: 'succeeded',
      targetRef: `${id} ${after.join(' ')}`.slice(0, TARGET_REF_MAX),
      beforeDigest: recordDigest(before),
      afterDigest: recordDigest(now),
    };
    await this.#incidents.addNote(use, effect);
    return effect;
  }

  /** @throws {ConnectorError} TARGET_UNKNOWN, NOT_SUPPORTED */
  async #read(client: EC2Client, { target }: InstanceParams): Promise<LiveInstance> {
    if ((target.kind as string) !== 'cloud-instance' || target.region !== this.#access.region) {
      throw new ConnectorError('NOT_SUPPORTED', 'expected an instance of the region');
    }
    const described = await client
      .send(new DescribeInstancesCommand({ InstanceIds: [target.id] }), timeout(this.#access))
      .catch(awsRefusal);
    const reservation = described.Reservations?.[0];
    const instance = reservation?.Instances?.[0];
    if (instance?.InstanceId !== target.id || reservation?.OwnerId !== target.account) {
      throw new ConnectorError('TARGET_UNKNOWN', 'expected the instance in the account');
    }
    return liveInstance(target.account, instance);
  }
}

function liveInstance(owner: string, instance: Instance): LiveInstance {
  const { Tags = [], SecurityGroups = [], NetworkInterfaces = [], State } = instance;
  return {
    owner,
    name: Tags.find(({ Key }) => Key === 'Name')?.Value ?? '',
    state: State?.Name ?? '',
    groups: SecurityGroups.map(({ GroupId }) => GroupId ?? '').sort(),
    interfaces: NetworkInterfaces.length,
  };
}

const TARGET_REF_MAX = 200;

function recordDigest({
  owner,
  name,
  state,
  groups,
}: LiveInstance): ReturnType<typeof stateDigest> {
  return stateDigest({ owner, name, state, groups: [...groups] });
}

function assertShown(target: InstanceTarget, live: LiveInstance): void {
  // Groups of one interface say nothing of the others.
  if (live.interfaces > 1) {
    throw new ConnectorError('NOT_SUPPORTED', 'expected an instance with one network interface');
  }
  const isSame =
    live.name === target.display && live.groups.join() === [...target.groups_before].sort().join();
  if (!isSame) {
    throw new ConnectorError('PRECONDITION_STALE', 'expected the instance that was shown');
  }
}

function tagsOf(shortId: string, groups: readonly string[]): { Key: string; Value: string }[] {
  const tags = [{ Key: 'countersign-use', Value: shortId }];
  for (let at = 0; at < groups.length; at += GROUPS_PER_TAG) {
    const Key = `countersign-groups-before${at === 0 ? '' : `-${at / GROUPS_PER_TAG + 1}`}`;
    tags.push({ Key, Value: groups.slice(at, at + GROUPS_PER_TAG).join(' ') });
  }
  return tags;
}
