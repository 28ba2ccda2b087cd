import { readFile, readdir, utimes, writeFile } from 'node:fs/promises';
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { SecretConnector, thumbprintOf, type SecretParams } from '@countersign/connectors';
import { connectorContract, type ConnectorStage } from '@countersign/connectors/testing';
import { compactDecrypt, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { filesHolding, holds } from '../support/file-scan.ts';
import { trailOf } from '../support/aws-trail.ts';
import { told } from '../support/guarded-case.ts';
import { guardedCase } from '../support/guarded-case-contract.ts';
import { MotoStage } from '../support/moto-stage.ts';

const USE = {
  useId: '01M83G8PGDVFCDVZ5H41H6NGY8',
  shortId: 'cs-5H41H6NGY8',
  agentId: 'billing-fixer',
};
const WORKLOAD = 'spiffe://example/agent/billing-fixer/42';
const PASSWORD = 'correct horse battery staple';
const VALUE = JSON.stringify({ user: 'billing', password: PASSWORD });

const stage = new MotoStage();
let secrets: SecretsManagerClient;
let privateKey: CryptoKey;
let publicKey: JWK;
let arn: string;
let version: string;

async function start(): Promise<void> {
  await stage.start();
  secrets = new SecretsManagerClient(stage.client);
  const pair = await generateKeyPair('ECDH-ES', { crv: 'P-256' });
  privateKey = pair.privateKey;
  publicKey = await exportJWK(pair.publicKey);
}

async function stop(): Promise<void> {
  secrets.destroy();
  await stage.stop();
}

async function found(): Promise<void> {
  await stage.found();
  const made = await secrets.send(
    new CreateSecretCommand({ Name: stage.name('billing/db'), SecretString: VALUE }),
  );
  arn = made.ARN ?? '';
  version = made.VersionId ?? '';
}

async function newVersion(): Promise<string> {
  const made = await secrets.send(
    new PutSecretValueCommand({ SecretId: arn, SecretString: '{"password":"another"}' }),
  );
  return made.VersionId ?? '';
}

function connector(): SecretConnector {
  return new SecretConnector({
    access: stage.access,
    delivery: { consumers: { [WORKLOAD]: publicKey }, folder: stage.path('delivery') },
    journal: stage.path('journal'),
  });
}

async function params(changes: Partial<SecretParams> = {}): Promise<SecretParams> {
  return {
    manager: { kind: 'aws-secretsmanager' },
    secret_ref: arn,
    secret_version: version,
    operation: 'read',
    delivery: 'response-wrapped',
    lease_seconds: 900,
    consumer: { workload_id: WORKLOAD, key_thumbprint: await thumbprintOf(publicKey) },
    ...changes,
  };
}

async function deliveries(): Promise<string[]> {
  return readdir(stage.path('delivery')).catch(() => []);
}

async function open(): Promise<ConnectorStage<SecretParams>> {
  await found();
  return {
    connector: connector(),
    params: await params(),
    others: await params({ fields: ['password'] }),
    restarted: connector,
    // The version that was approved is no longer the current one.
    moveTarget: async () => {
      await newVersion();
    },
    targetState: deliveries,
    effects: () => Promise.resolve(stage.proxy.count('GetSecretValue')),
    targetRecord: () => Promise.resolve(stage.proxy.sessions.join()),
    loseAnswers: () => {
      stage.proxy.loseAnswersTo('GetSecretValue');
      return Promise.resolve();
    },
    cutOff: () => stage.proxy.stop(),
  };
}

connectorContract('secrets of AWS', { open, close: stage.close, start, stop });

guardedCase('one version of a secret of AWS', {
  type: 'secret.access',
  ...{ open, close: stage.close, start, stop },
  asked: (shown) => ({
    ...shown,
    consumer: { ...shown.consumer, environment: 'prod' },
    purpose_ref: 'INC-4711',
  }),
  silence: () => {
    stage.proxy.keepAnswersTo('GetSecretValue');
    return Promise.resolve();
  },
  record: () => Promise.resolve(trailOf(stage.proxy)),
  feared: [
    {
      name: 'A10: does not ask for whatever version is current when it runs',
      answer: 'UNRESOLVED_REFERENCE',
      attempt: async (of) => {
        const action = await of.draft();
        const wide = { ...(action['params'] as object), secret_version: 'AWSCURRENT' };
        return of.answerTo({ ...action, params: wide });
      },
    },
    {
      name: 'A10: does not ask for every secret of a team',
      answer: 'UNRESOLVED_REFERENCE',
      attempt: async (of) => {
        const action = await of.draft();
        const wide = { ...(action['params'] as object), secret_ref: arn.replace(/[^:]*$/, '*') };
        return of.answerTo({ ...action, params: wide });
      },
    },
    {
      name: 'A01: does not read the next version under the approval of this one',
      answer: 'refused ACTION_DIGEST_MISMATCH',
      attempt: async (of) => {
        const approved = await of.approved();
        const next = await params({ secret_version: await newVersion() });
        return told(await of.run(approved, { params: next }));
      },
    },
    {
      name: 'A10: does not seal it to a key that is not enrolled for the workload',
      answer: 'refused PRECONDITION_UNREADABLE',
      attempt: async (of) => {
        const { publicKey: another } = await generateKeyPair('ECDH-ES', { crv: 'P-256' });
        const key_thumbprint = await thumbprintOf(await exportJWK(another));
        const consumer = { workload_id: WORKLOAD, key_thumbprint };
        const approved = await of.approved();
        return told(await of.run(approved, { params: await params({ consumer }) }));
      },
    },
  ],
});

describe('a secret of AWS', () => {
  beforeAll(start);
  afterAll(stop);
  beforeEach(found);
  afterEach(stage.close);

  async function hand(what: SecretParams): ReturnType<SecretConnector['execute']> {
    const preconditions = await connector().preconditions(what);
    const use = { ...USE, params: what, preconditions, idempotencyKey: 'f7'.repeat(32) };
    return connector().execute(use);
  }

  async function opened(): Promise<{ value: string; header: object }> {
    const jwe = await readFile(stage.path('delivery/VFCDVZ5H41H6NGY8.leased.jwe'), 'utf8');
    const { plaintext, protectedHeader } = await compactDecrypt(jwe, privateKey);
    return { value: new TextDecoder().decode(plaintext), header: protectedHeader };
  }

  it('is opened by its consumer alone, in the version that was approved', async () => {
    const old = await params();
    await newVersion();
    expect(await hand(old)).toMatchObject({ result: 'succeeded' });
    const { value, header } = await opened();
    expect(value).toBe(VALUE);
    expect(header).toMatchObject({ alg: 'ECDH-ES', use: 'cs-5H41H6NGY8' });
    const other = await generateKeyPair('ECDH-ES', { crv: 'P-256' });
    const jwe = await readFile(stage.path('delivery/VFCDVZ5H41H6NGY8.leased.jwe'), 'utf8');
    await expect(compactDecrypt(jwe, other.privateKey)).rejects.toThrow();
  });

  it('is handed over without the fields that nobody approved', async () => {
    await hand(await params({ fields: ['user'] }));
    expect((await opened()).value).toBe('{"user":"billing"}');
  });

  it('is read in a session that is named after the use, and can read that one alone', async () => {
    await hand(await params());
    expect(stage.proxy.sessions).toEqual(['cs-VFCDVZ5H41H6NGY8']);
    const [form] = stage.proxy.forms('AssumeRole');
    expect(form?.get('SourceIdentity')).toBe('billing-fixer');
    expect(JSON.parse(form?.get('Policy') ?? '')).toMatchObject({
      Statement: [{ Action: 'secretsmanager:GetSecretValue', Resource: arn }],
    });
  });

  it('can be fetched for as long as its lease, and is swept away after a crash too', async () => {
    await hand(await params({ lease_seconds: 1 }));
    expect(await deliveries()).toHaveLength(1);
    await expect.poll(deliveries, { timeout: 5_000, interval: 1_000 }).toEqual([]);
    const path = stage.path('delivery/VFCDVZ5H41H6NGY9.leased.jwe');
    await writeFile(path, 'of an executor that died');
    await utimes(path, new Date(0), new Date(0));
    const use = { ...USE, useId: '01M83G8PGDVFCDVZ5H41H6NGYA', params: await params() };
    await connector().execute({ ...use, preconditions: {}, idempotencyKey: 'fa'.repeat(32) });
    expect(await deliveries()).not.toContain('VFCDVZ5H41H6NGY9.leased.jwe');
  });

  it('H09: is in no file, report or error, whatever goes wrong', async () => {
    const effects: unknown[] = [await hand(await params())];
    const wrong = { ...USE, preconditions: {}, params: await params({ fields: ['pin'] }) };
    effects.push(await connector().execute({ ...wrong, idempotencyKey: 'f8'.repeat(32) }));
    stage.proxy.loseAnswersTo('GetSecretValue');
    effects.push(await connector().execute({ ...wrong, idempotencyKey: 'f9'.repeat(32) }));
    expect(effects).toMatchObject([
      { result: 'succeeded' },
      { code: 'TARGET_REFUSED' },
      { code: 'OUTCOME_UNKNOWN' },
    ]);
    expect(await filesHolding(stage.path('.'), 'TARGET_REFUSED')).toHaveLength(1);
    expect(await filesHolding(stage.path('.'), PASSWORD)).toEqual([]);
    expect(holds(Buffer.from(JSON.stringify(effects)), PASSWORD)).toBe(false);
  });

  it.each<[string, Partial<SecretParams>, string]>([
    ['a label that moves', { secret_version: 'AWSCURRENT' }, 'NOT_SUPPORTED'],
    ['a short name', { secret_ref: 'billing/db' }, 'NOT_SUPPORTED'],
    ['a version that is not there', { secret_version: '0'.repeat(32) }, 'TARGET_UNKNOWN'],
    [
      'another key of the consumer',
      { consumer: { workload_id: WORKLOAD, key_thumbprint: 'x' } },
      'TARGET_UNKNOWN',
    ],
  ])('A10: is not read for %s', async (_, changes, code) => {
    const use = { ...USE, params: await params(changes), preconditions: {} };
    const effect = await connector().execute({ ...use, idempotencyKey: 'f7'.repeat(32) });
    expect(effect).toMatchObject({ result: 'failed', code });
    expect(stage.proxy.count('GetSecretValue')).toBe(0);
  });
});
