import { readFile } from 'node:fs/promises';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListUserTagsCommand,
} from '@aws-sdk/client-iam';
import {
  AccessKeyConnector,
  stateDigest,
  thumbprintOf,
  type AccessKeyParams,
} from '@countersign/connectors';
import { connectorContract, type ConnectorStage } from '@countersign/connectors/testing';
import { compactDecrypt, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { filesHolding } from '../support/file-scan.ts';
import { trailOf } from '../support/aws-trail.ts';
import { told } from '../support/guarded-case.ts';
import { guardedCase } from '../support/guarded-case-contract.ts';
import { MotoStage } from '../support/moto-stage.ts';

const USE = { useId: '01M83G8PGDVFCDVZ5H41H6NGY8', shortId: 'cs-5H41H6NGY8' };
const WORKLOAD = 'spiffe://example.org/ci/deploy-bot';

const stage = new MotoStage();
let iam: IAMClient;
let user: string;
let userArn: string;
let oldKey: string;
let privateKey: CryptoKey;
let publicKey: JWK;

async function start(): Promise<void> {
  await stage.start();
  iam = new IAMClient(stage.client);
  const pair = await generateKeyPair('ECDH-ES', { crv: 'P-256' });
  privateKey = pair.privateKey;
  publicKey = await exportJWK(pair.publicKey);
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
    delivery: { consumers: { [WORKLOAD]: publicKey }, folder: stage.path('delivery') },
    journal: stage.path('journal'),
  });
}

async function params(changes: Partial<AccessKeyParams> = {}): Promise<AccessKeyParams> {
  return {
    key: { kind: 'aws-iam-access-key', user_arn: userArn, access_key_id: oldKey },
    new_material: { consumer: WORKLOAD, key_thumbprint: await thumbprintOf(publicKey) },
    old_key_action: 'keep',
    overlap_seconds: 0,
    consumers: [{ id: 'svc:billing' }],
    ...changes,
  };
}

async function delivered(): Promise<{ AccessKeyId: string; SecretAccessKey: string }> {
  const jwe = await readFile(stage.path('delivery/VFCDVZ5H41H6NGY8.jwe'), 'utf8');
  const { plaintext } = await compactDecrypt(jwe, privateKey);
  return JSON.parse(new TextDecoder().decode(plaintext)) as Awaited<ReturnType<typeof delivered>>;
}

async function keysNow(): Promise<Record<string, string>> {
  const { AccessKeyMetadata = [] } = await iam.send(new ListAccessKeysCommand({ UserName: user }));
  return Object.fromEntries(
    AccessKeyMetadata.map(({ AccessKeyId = '', Status = '' }) => [AccessKeyId, Status]),
  );
}

async function open(): Promise<ConnectorStage<AccessKeyParams>> {
  await found();
  return {
    connector: connector(),
    params: await params(),
    others: await params({ old_key_action: 'revoke' }),
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

guardedCase('an access key of AWS IAM', {
  type: 'key.rotate',
  open: async () => {
    const opened = await open();
    return { ...opened, params: await params({ old_key_action: 'disable' }) };
  },
  ...{ close: stage.close, start, stop },
  asked: (shown) => ({
    ...shown,
    consumers: shown.consumers.map(({ id }) => ({
      id,
      last_seen: '2026-11-22T16:00:00.000Z',
      verified: true,
    })),
    job_id: 'rot-9917',
  }),
  silence: () => {
    stage.proxy.keepAnswersTo('UpdateAccessKey');
    return Promise.resolve();
  },
  record: () => Promise.resolve(trailOf(stage.proxy)),
  feared: [
    {
      name: 'A01: does not end the old key at once where it was approved to overlap',
      answer: 'refused ACTION_DIGEST_MISMATCH',
      attempt: async (of) => {
        const overlap = await params({ old_key_action: 'disable', overlap_seconds: 600 });
        const approved = await of.approved(overlap);
        return told(await of.run(approved, { params: { ...overlap, overlap_seconds: 0 } }));
      },
    },
    {
      name: 'A01: does not replace another key of the same user',
      answer: 'refused ACTION_DIGEST_MISMATCH',
      attempt: async (of) => {
        const second = await addKey();
        const what = await params({ old_key_action: 'disable' });
        const approved = await of.approved(what);
        const key = { ...what.key, access_key_id: second };
        return told(await of.run(approved, { params: { ...what, key } }));
      },
    },
  ],
});

describe('an access key of AWS IAM', () => {
  beforeAll(start);
  afterAll(stop);
  beforeEach(found);
  afterEach(stage.close);

  async function rotate(what: AccessKeyParams): ReturnType<AccessKeyConnector['execute']> {
    const preconditions = await connector().preconditions(what);
    const use = { ...USE, params: what, preconditions, idempotencyKey: 'e6'.repeat(32) };
    return connector().execute(use);
  }

  it.each<[AccessKeyParams['old_key_action'], string[]]>([
    ['keep', ['Active', 'Active']],
    ['disable', ['Active', 'Inactive']],
    ['revoke', ['Active']],
  ])('gets a successor, and is dealt with as it was approved: %s', async (action, left) => {
    const effect = await rotate(await params({ old_key_action: action }));
    const { AccessKeyId: newKey } = await delivered();
    expect(effect).toMatchObject({ result: 'succeeded', targetRef: `${userArn} ${newKey}` });
    const now = await keysNow();
    expect(now[newKey]).toBe('Active');
    expect(Object.values(now).sort()).toEqual(left);
  });

  it('works beside its successor for as long as they overlap', async () => {
    const seen: Record<string, string>[] = [];
    stage.proxy.before('UpdateAccessKey', async () => {
      seen.push(await keysNow());
    });
    const start = performance.now();
    await rotate(await params({ old_key_action: 'disable', overlap_seconds: 2 }));
    expect(performance.now() - start).toBeGreaterThan(2_000);
    expect(seen.map((keys) => Object.values(keys))).toEqual([['Active', 'Active']]);
  });

  it('A07: is refused when the old key is not the one that was approved', async () => {
    const what = await params();
    const other = { ...what, key: { ...what.key, access_key_id: 'AKIAIOSFODNN7EXAMPLE' } };
    expect(await rotate(other)).toMatchObject({ result: 'failed', code: 'PRECONDITION_STALE' });
    expect(Object.keys(await keysNow())).toEqual([oldKey]);
  });

  it.each([
    ['in another account', (arn: string) => arn.replace(/\d{12}/, '999999999999')],
    ['under another path', (arn: string) => arn.replace('/services/', '/people/')],
  ])('A10: is refused for a user of the same name %s', async (_, moved) => {
    const what = await params();
    const other = { ...what, key: { ...what.key, user_arn: moved(userArn) } };
    const preconditions = await connector().preconditions(what);
    const state = {
      'consumers.snapshot': preconditions['consumers.snapshot'] ?? stateDigest(null),
      'key.state': stateDigest({ user: other.key.user_arn, keys: [`${oldKey} Active`] }),
    };
    const use = { ...USE, params: other, preconditions: state, idempotencyKey: 'e6'.repeat(32) };
    expect(await connector().execute(use)).toMatchObject({
      result: 'failed',
      code: 'TARGET_UNKNOWN',
    });
    await expect(connector().preconditions(other)).rejects.toMatchObject({
      code: 'TARGET_UNKNOWN',
    });
    expect(Object.keys(await keysNow())).toEqual([oldKey]);
  });

  it('is not made for a consumer whose key is not enrolled here', async () => {
    const material = { consumer: WORKLOAD, key_thumbprint: `sha256:${'0'.repeat(64)}` } as const;
    expect(await rotate(await params({ new_material: material }))).toMatchObject({
      code: 'TARGET_UNKNOWN',
    });
    expect(Object.keys(await keysNow())).toEqual([oldKey]);
  });

  it('H09: has its secret in no file, but sealed to its consumer', async () => {
    await rotate(await params());
    const { SecretAccessKey: secret } = await delivered();
    expect(await filesHolding(stage.path('.'), secret)).toEqual([]);
  });
});
