import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '@countersign/canonical';
import { CreateRoleCommand } from '@aws-sdk/client-iam';
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { SecretConnector, thumbprintOf } from '@countersign/connectors';
import { compactDecrypt, exportJWK, generateKeyPair } from 'jose';
import { MOTO_CLIENT } from '../support/moto-server.ts';
import { codeOf, ConnectorScene, shortIdOf } from './connector-scene.ts';
import { ACCOUNT, iamClient } from './moto-iam.ts';
import { showDisplay } from './review-text.ts';
import { expectEqual, stage } from './stage.ts';
import { proveOffline, type Cast } from './story-command.ts';

const WORKLOAD = 'spiffe://example/agent/billing-fixer/42';
const PASSWORD = 'correct horse battery staple';

type SecretParams = Parameters<SecretConnector['preconditions']>[0];

/** The fear here: a delegation that is broad, where one version for one workload was meant. */
export async function playSecret(cast: Cast, endpoint: string): Promise<void> {
  stage.title('4  A secret: one version, to one workload, sealed to its key');
  const { arn, versions } = await foundSecret(endpoint);
  const pair = await generateKeyPair('ECDH-ES', { crv: 'P-256', extractable: true });
  const key = await exportJWK(pair.publicKey);
  const folder = join(cast.work, 'secrets');
  const connector = new SecretConnector({
    access: { ...MOTO_CLIENT, endpoint, roleArn: await foundRole(endpoint) },
    delivery: { consumers: { [WORKLOAD]: key }, folder: join(folder, 'delivery') },
    journal: join(folder, 'journal'),
  });
  const scene = await ConnectorScene.open({
    cast,
    id: 'secret-executor',
    audience: ACCOUNT,
    connector,
  });
  const asked = params({ arn, version: versions.old, thumbprint: await thumbprintOf(key) });
  const action = await scene.draft(asked);
  expectEqual(await scene.ask(action), 'requested', 'the request');
  stage.step('agent', 'asks for the password of the billing database, for INC-4711');
  stage.step('person', 'sees, computed from the exact action:');
  showDisplay((await cast.founder.review(action.action_id)).action, 10);
  await cast.founder.decide(action.action_id, 'approve', 'the on-call fixer needs it, INC-4711');
  stage.step('person', 'approves: "the on-call fixer needs it, INC-4711"');
  await attackSecret(scene, { asked, versions });
  const shortId = shortIdOf(await scene.run(action));
  const [file] = readdirSync(join(folder, 'delivery'));
  if (file === undefined) throw new Error('expected a delivery');
  const sealed = readFileSync(join(folder, 'delivery', file), 'utf8');
  expectEqual(sealed.includes(PASSWORD), false, 'the password in the file');
  const { plaintext } = await compactDecrypt(sealed, pair.privateKey);
  expectEqual(
    Buffer.from(plaintext).toString().includes(PASSWORD),
    true,
    'what the workload reads',
  );
  stage.step('executor', `read that version as cs-…, delivered ${file}; its use is ${shortId}`);
  stage.step('workload', 'opens it with its own key; nobody else can');
  await proveOffline(cast, action.action_id, 'secret');
}

async function attackSecret(
  scene: ConnectorScene<SecretParams>,
  { asked, versions }: { asked: SecretParams; versions: { old: string; next: string } },
): Promise<void> {
  const action = await scene.draft(asked);
  for (const [what, wide] of [
    ['whatever version is current when it runs', { secret_version: 'AWSCURRENT' }],
    ['every secret of the team', { secret_ref: asked.secret_ref.replace(/[^:]*$/, '*') }],
  ] as const) {
    const code = await scene.ask({
      ...action,
      params: { ...(action['params'] as object), ...wide },
    });
    expectEqual(code, 'UNRESOLVED_REFERENCE', `code of a request for ${what}`);
    stage.refused(`the agent asks for ${what}`, code);
  }
  const approved = await scene.approved(asked, 'once more');
  const moved = { ...asked, secret_version: versions.next };
  expectEqual(
    codeOf(await scene.run(approved, moved)),
    'ACTION_DIGEST_MISMATCH',
    'another version',
  );
  stage.refused('the approval of one version is used for the next one', 'ACTION_DIGEST_MISMATCH');
}

function params(of: { arn: string; version: string; thumbprint: Digest }): SecretParams {
  return {
    manager: { kind: 'aws-secretsmanager' },
    secret_ref: of.arn,
    secret_version: of.version,
    fields: ['password'],
    operation: 'read',
    delivery: 'response-wrapped',
    lease_seconds: 900,
    consumer: { workload_id: WORKLOAD, key_thumbprint: of.thumbprint, ...{ environment: 'prod' } },
    ...{ purpose_ref: 'INC-4711' },
  };
}

async function foundSecret(
  endpoint: string,
): Promise<{ arn: string; versions: { old: string; next: string } }> {
  const client = new SecretsManagerClient({ ...MOTO_CLIENT, endpoint });
  const made = await client.send(
    new CreateSecretCommand({
      Name: 'billing/db',
      SecretString: JSON.stringify({ user: 'billing', password: PASSWORD }),
    }),
  );
  const next = await client.send(
    new PutSecretValueCommand({
      SecretId: made.ARN ?? '',
      SecretString: JSON.stringify({ user: 'billing', password: 'another' }),
    }),
  );
  client.destroy();
  return {
    arn: made.ARN ?? '',
    versions: { old: made.VersionId ?? '', next: next.VersionId ?? '' },
  };
}

async function foundRole(endpoint: string): Promise<string> {
  const client = iamClient(endpoint);
  const { Role: role } = await client.send(
    new CreateRoleCommand({
      RoleName: 'countersign-secrets',
      AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
    }),
  );
  client.destroy();
  return role?.Arn ?? '';
}
