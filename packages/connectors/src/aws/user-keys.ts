import {
  CreateAccessKeyCommand,
  DeleteAccessKeyCommand,
  GetAccessKeyLastUsedCommand,
  GetUserCommand,
  IAMClient,
  ListAccessKeysCommand,
  TagUserCommand,
  UpdateAccessKeyCommand,
} from '@aws-sdk/client-iam';
import { ConnectorError } from '../connector-error.ts';
import { awsRefusal, clientSettings, timeout, type AwsAccess } from './aws-access.ts';

export interface LiveKey {
  readonly id: string;
  readonly status: string;
  /** RFC 3339, or undefined when it was never used. */
  readonly lastUsed: string | undefined;
}

export interface NewKey {
  readonly id: string;
  readonly secret: string;
}

/** The access keys of one user of IAM. */
export class UserKeys {
  readonly #access: AwsAccess;
  readonly #client: IAMClient;
  readonly #arn: string;
  readonly #user: string;

  constructor(access: AwsAccess, user: { readonly arn: string; readonly name: string }) {
    this.#access = access;
    this.#client = new IAMClient(clientSettings(access));
    this.#arn = user.arn;
    this.#user = user.name;
  }

  /**
   * In the order of their ids.
   * @throws {ConnectorError} TARGET_UNKNOWN where the user of this name is not the approved one: IAM takes names alone, and
   * the credentials decide of which account they are.
   */
  async read(): Promise<readonly LiveKey[]> {
    try {
      const { User: user } = await this.#client.send(
        new GetUserCommand({ UserName: this.#user }),
        timeout(this.#access),
      );
      if (user?.Arn !== this.#arn) {
        throw new ConnectorError('TARGET_UNKNOWN', 'expected the user in the approved account');
      }
      const listed = await this.#client.send(
        new ListAccessKeysCommand({ UserName: this.#user }),
        timeout(this.#access),
      );
      const keys: LiveKey[] = [];
      for (const { AccessKeyId: id = '', Status: status = '' } of listed.AccessKeyMetadata ?? []) {
        const used = await this.#client.send(
          new GetAccessKeyLastUsedCommand({ AccessKeyId: id }),
          timeout(this.#access),
        );
        const lastUsed = used.AccessKeyLastUsed?.LastUsedDate?.toISOString();
        keys.push({ id, status, lastUsed });
      }
      return keys.sort((a, b) => (a.id < b.id ? -1 : 1));
    } catch (error) {
      return awsRefusal(error);
    }
  }

  async create(): Promise<NewKey> {
    try {
      const made = await this.#client.send(
        new CreateAccessKeyCommand({ UserName: this.#user }),
        timeout(this.#access),
      );
      const { AccessKeyId: id, SecretAccessKey: secret } = made.AccessKey ?? {};
      if (id === undefined || secret === undefined) throw new Error('expected a key in the answer');
      return { id, secret };
    } catch (error) {
      return awsRefusal(error);
    }
  }

  async disable(id: string): Promise<void> {
    const key = { UserName: this.#user, AccessKeyId: id, Status: 'Inactive' as const };
    await this.#client
      .send(new UpdateAccessKeyCommand(key), timeout(this.#access))
      .catch(awsRefusal);
  }

  async delete(id: string): Promise<void> {
    const key = { UserName: this.#user, AccessKeyId: id };
    await this.#client
      .send(new DeleteAccessKeyCommand(key), timeout(this.#access))
      .catch(awsRefusal);
  }

  async tag(shortId: string): Promise<void> {
    const tags = [{ Key: 'countersign-use', Value: shortId }];
    await this.#client.send(
      new TagUserCommand({ UserName: this.#user, Tags: tags }),
      timeout(this.#access),
    );
  }

  close(): void {
    this.#client.destroy();
  }
}
