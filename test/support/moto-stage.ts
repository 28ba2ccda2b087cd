import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import type { AwsAccess } from '@countersign/connectors';
import { AwsProxy } from './aws-proxy.ts';
import { MOTO_CLIENT, startMoto, type MotoServer } from './moto-server.ts';

/** An account of AWS for the tests of one file, and for each test a way to it that can fail, and a folder. */
export class MotoStage {
  #moto: MotoServer | undefined;
  #proxy: AwsProxy | undefined;
  #folder = '';
  #roleArn = '';
  #count = 0;

  readonly start = async (): Promise<void> => {
    this.#moto = await startMoto();
    const iam = new IAMClient(this.client);
    const { Role: role } = await iam.send(
      new CreateRoleCommand({
        RoleName: 'countersign-executor',
        AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
      }),
    );
    iam.destroy();
    this.#roleArn = role?.Arn ?? '';
  };

  readonly stop = async (): Promise<void> => {
    await this.#moto?.stop();
  };

  readonly found = async (): Promise<void> => {
    this.#count += 1;
    this.#folder = await mkdtemp(join(tmpdir(), 'countersign-moto-'));
    this.#proxy = await AwsProxy.start(this.client.endpoint);
  };

  readonly close = async (): Promise<void> => {
    await this.#proxy?.stop();
    await rm(this.#folder, { recursive: true, force: true });
  };

  /** For a client that no fault meets. */
  get client(): typeof MOTO_CLIENT & { endpoint: string } {
    if (this.#moto === undefined) throw new Error('expected moto to be started');
    return { ...MOTO_CLIENT, endpoint: this.#moto.endpoint };
  }

  get proxy(): AwsProxy {
    if (this.#proxy === undefined) throw new Error('expected a test to be under way');
    return this.#proxy;
  }

  /** As an executor has it. */
  get access(): AwsAccess & { readonly roleArn: string } {
    const { endpoint } = this.proxy;
    return { ...MOTO_CLIENT, endpoint, roleArn: this.#roleArn, timeoutMs: 5_000 };
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  /** A name that no other test of the file has. */
  name(text: string): string {
    return `${text}-${this.#count}`;
  }
}
