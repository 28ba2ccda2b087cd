import {
  CreatePolicyVersionCommand,
  GetGroupCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetUserCommand,
  IAMClient,
  ListEntitiesForPolicyCommand,
  ListPolicyVersionsCommand,
  TagPolicyCommand,
  type ListEntitiesForPolicyCommandOutput,
} from '@aws-sdk/client-iam';
import { ConnectorError } from '../connector-error.ts';
import { awsRefusal, clientSettings, timeout, type AwsAccess } from './aws-access.ts';

export interface LivePolicy {
  /** The exact text; IAM answers it URL-encoded. */
  readonly document: string;
  readonly versionId: string;
  /** The ids of all versions that there are, whether or not they are the default one. */
  readonly versions: readonly string[];
  /** Sorted ARNs. */
  readonly principals: readonly string[];
}

const PAGES_MAX = 10;
const USE_TAG = 'countersign-use';

/** One managed policy of an account. */
export class ManagedPolicy {
  readonly #access: AwsAccess;
  readonly #client: IAMClient;
  readonly #arn: string;

  constructor(access: AwsAccess, arn: string) {
    this.#access = access;
    this.#client = new IAMClient(clientSettings(access));
    this.#arn = arn;
  }

  async read(): Promise<LivePolicy> {
    const of = { PolicyArn: this.#arn };
    try {
      const { Policy: policy } = await this.#client.send(new GetPolicyCommand(of), this.#timeout);
      const versionId = policy?.DefaultVersionId ?? '';
      const [version, versions, principals] = await Promise.all([
        this.#client.send(
          new GetPolicyVersionCommand({ ...of, VersionId: versionId }),
          this.#timeout,
        ),
        this.#client.send(new ListPolicyVersionsCommand(of), this.#timeout),
        this.#principals(),
      ]);
      return {
        document: decodeURIComponent(version.PolicyVersion?.Document ?? ''),
        versionId,
        versions: (versions.Versions ?? []).map(({ VersionId: id = '' }) => id),
        principals,
      };
    } catch (error) {
      return awsRefusal(error);
    }
  }

  /** Makes the text the default version, and names the version. */
  async write(document: string): Promise<string> {
    try {
      const made = await this.#client.send(
        new CreatePolicyVersionCommand({
          PolicyArn: this.#arn,
          PolicyDocument: document,
          SetAsDefault: true,
        }),
        this.#timeout,
      );
      return made.PolicyVersion?.VersionId ?? '';
    } catch (error) {
      return awsRefusal(error);
    }
  }

  async tag(shortId: string): Promise<void> {
    const tags = [{ Key: USE_TAG, Value: shortId }];
    await this.#client.send(
      new TagPolicyCommand({ PolicyArn: this.#arn, Tags: tags }),
      this.#timeout,
    );
  }

  close(): void {
    this.#client.destroy();
  }

  get #timeout(): { abortSignal: AbortSignal } {
    return timeout(this.#access);
  }

  /** IAM lists names; the ARN holds a path too. */
  async #principals(): Promise<string[]> {
    const arns: string[] = [];
    let marker: string | undefined;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const listed: ListEntitiesForPolicyCommandOutput = await this.#client.send(
        new ListEntitiesForPolicyCommand({
          PolicyArn: this.#arn,
          ...(marker !== undefined && { Marker: marker }),
        }),
        this.#timeout,
      );
      arns.push(...(await this.#arnsOf(listed)));
      if (listed.IsTruncated !== true) return arns.sort();
      marker = listed.Marker;
    }
    throw new ConnectorError('NOT_SUPPORTED', `expected at most ${PAGES_MAX} pages of principals`);
  }

  async #arnsOf(listed: ListEntitiesForPolicyCommandOutput): Promise<string[]> {
    const { PolicyRoles: roles = [], PolicyUsers: users = [], PolicyGroups: groups = [] } = listed;
    const arns: (string | undefined)[] = [];
    for (const { RoleName } of roles) {
      const { Role } = await this.#client.send(new GetRoleCommand({ RoleName }), this.#timeout);
      arns.push(Role?.Arn);
    }
    for (const { UserName } of users) {
      const { User } = await this.#client.send(new GetUserCommand({ UserName }), this.#timeout);
      arns.push(User?.Arn);
    }
    for (const { GroupName } of groups) {
      const { Group } = await this.#client.send(new GetGroupCommand({ GroupName }), this.#timeout);
      arns.push(Group?.Arn);
    }
    return arns.filter((arn) => arn !== undefined);
  }
}
