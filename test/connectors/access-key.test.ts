import { readFile } from 'node:fs/promises';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListUserTagsCommand,
} from '@aws-sdk/client-iam';
import { AccessKeyConnector, type RotateParams } from '@countersign/connectors';
import { connectorContract, type ConnectorStage } from '@countersign/connectors/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { filesHolding } from '../support/file-scan.ts';
import { MotoStage } from '../support/moto-stage.ts';

const USE = { useId: '01M83G8PGDVFCDVZ5H41H6NGY8', shortId: 'cs-5H41H6NGY8' };
const SEEN = '2026-11-22T16:00:00.000Z';

const stage = new MotoStage();
let iam: IAMClient;
let user: string;
let userArn: string;
let oldKey: string;

async function start(): Promise<void> {
  await stage.start();
  iam = new IAMClient(stage.client);
}

async function stop(): Promise<void> {
  iam.destroy();
  await stage.stop();
}

async function found(): Promise<void> {
  await stage.found();
  user = stage.name('svc');
  const made = await iam.send(new CreateUserCommand({ UserName: user, Path: '/services/' }));
  userArn = made.User?.Arn ?? '';
  oldKey = await addKey();
}

async function addKey(): Promise<string> {
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: user }));
  return AccessKey?.AccessKeyId ?? '';
}

function connector(): AccessKeyConnector {
  return new AccessKeyConnector({
    access: stage.access,
    sink: stage.path('sink'),
    journal: stage.path('journal'),
  });
}

function params(changes: Partial<RotateParams> = {}): RotateParams {
  return {
    system: 'aws-iam-access-key',
    key_ref: userArn,
    current_version: oldKey,
    new_material: { origin: 'generated-in-system', algorithm: 'aws-access-key' },
    old_key_action: 'keep',
    overlap_seconds: 86_400,
    consumers: [{ id: 'svc:billing', last_seen: SEEN, verified: true }],
    ...changes,
  };
}

async function keysNow(): Promise<Record<string, string>> {
  const { AccessKeyMetadata = [] } = await iam.send(new ListAccessKeysCommand({ UserName: user }));
  return Object.fromEntries(
    AccessKeyMetadata.map(({ AccessKeyId = '', Status = '' }) => [AccessKeyId, Status]),
  );
}

async function open(): Promise<ConnectorStage<RotateParams>> {
  await found();
  return {
    connector: connector(),
    params: params(),
    others: params({ overlap_seconds: 1 }),
    restarted: connector,
    moveTarget: async () => {
      await addKey();
    },
    targetState: keysNow,
    effects: () => Promise.resolve(stage.proxy.count('CreateAccessKey')),
    targetRecord: async () =>
      JSON.stringify((await iam.send(new ListUserTagsCommand({ UserName: user }))).Tags),
    loseAnswers: () => {
      stage.proxy.loseAnswersTo('CreateAccessKey');
      return Promise.resolve();
    },
    cutOff: () => stage.proxy.stop(),
  };
}

connectorContract('access keys of AWS IAM', { open, close: stage.close, start, stop });

describe('an access key of AWS IAM', () => {
  beforeAll(start);
  afterAll(stop);
  beforeEach(found);
  afterEach(stage.close);

  async function rotate(
    what: RotateParams,
    key: string,
  ): ReturnType<AccessKeyConnector['execute']> {
    const preconditions = await connector().preconditions(what);
    return connector().execute({ ...USE, params: what, preconditions, idempotencyKey: key });
  }

  const end = (action: string): Partial<RotateParams> => ({
    new_material: { origin: 'existing', algorithm: 'aws-access-key' },
    old_key_action: action,
    overlap_seconds: 0,
  });

  it('gets a successor, is disabled after the overlap, and is deleted: three uses', async () => {
    const made = await rotate(params(), 'e6'.repeat(32));
    const newKey = made.targetRef.split(' ')[1] ?? '';
    expect(await keysNow()).toEqual({ [oldKey]: 'Active', [newKey]: 'Active' });
    const delivered = JSON.parse(await readFile(stage.path(`sink/${user}`), 'utf8')) as object;
    expect(delivered).toMatchObject({ AccessKeyId: newKey });
    expect(await rotate(params(end('disable')), 'e7'.repeat(32))).toMatchObject({
      result: 'succeeded',
    });
    expect(await keysNow()).toEqual({ [oldKey]: 'Inactive', [newKey]: 'Active' });
    await rotate(params(end('revoke')), 'e8'.repeat(32));
    expect(await keysNow()).toEqual({ [newKey]: 'Active' });
  });

  it('is not disabled while it is the only one', async () => {
    expect(await rotate(params(end('disable')), 'e6'.repeat(32))).toMatchObject({
      result: 'failed',
      code: 'PRECONDITION_STALE',
    });
    expect(await keysNow()).toEqual({ [oldKey]: 'Active' });
  });

  it.each(['disable', 'revoke'])(
    'is not cut (%s) from a consumer who is not verified',
    async (action) => {
      await addKey();
      const consumers = [{ id: 'svc:billing', last_seen: SEEN }];
      const what = params({ ...end(action), consumers });
      const use = { ...USE, params: what, preconditions: {}, idempotencyKey: 'e6'.repeat(32) };
      expect(await connector().execute(use)).toMatchObject({ code: 'NOT_SUPPORTED' });
      expect(Object.values(await keysNow())).toEqual(['Active', 'Active']);
    },
  );

  it('H09: has its secret in the delivery alone', async () => {
    await rotate(params(), 'e6'.repeat(32));
    const content = await readFile(stage.path(`sink/${user}`), 'utf8');
    const { SecretAccessKey: secret } = JSON.parse(content) as { SecretAccessKey: string };
    expect(await filesHolding(stage.path('.'), secret)).toEqual([
      `sink/${user}`,
      `sink/${user}.VFCDVZ5H41H6NGY8`,
    ]);
  });
});
