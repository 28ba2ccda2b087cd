import { join } from 'node:path';
import {
  CreateUserCommand,
  ListUserTagsCommand,
  CreateAccessKeyCommand,
} from '@aws-sdk/client-iam';
import { canonicalText } from '@countersign/canonical';
import { AccessKeyConnector, thumbprintOf } from '@countersign/connectors';
import { exportJWK, generateKeyPair } from 'jose';
import { MOTO_CLIENT } from '../support/moto-server.ts';
import { rationaleOf } from '../support/http-person.ts';
import { codeOf, ConnectorScene, shortIdOf } from './connector-scene.ts';
import { ACCOUNT, iamClient } from './moto-iam.ts';
import { showDisplay } from './review-text.ts';
import { expectEqual, stage } from './stage.ts';
import { proveOffline, type Cast } from './story-command.ts';

const USER = 'svc-billing';
const CONSUMER = 'spiffe://example/service/billing';

type RotateParams = Parameters<AccessKeyConnector['preconditions']>[0];

/** The fear here: consent that is only implied, because the job goes on unless somebody objects. */
export async function playRotation(cast: Cast, endpoint: string): Promise<void> {
  stage.title(
    '5  A key rotation: this key, by somebody who is named, beside the record of the job',
  );
  const { arn, keyId } = await foundUser(endpoint);
  const pair = await generateKeyPair('ECDH-ES', { crv: 'P-256' });
  const key = await exportJWK(pair.publicKey);
  const folder = join(cast.work, 'rotation');
  const connector = new AccessKeyConnector({
    access: { ...MOTO_CLIENT, endpoint },
    delivery: { consumers: { [CONSUMER]: key }, folder: join(folder, 'delivery') },
    journal: join(folder, 'journal'),
  });
  const scene = await ConnectorScene.open({
    cast,
    id: 'rotation-executor',
    audience: ACCOUNT,
    connector,
  });
  const asked: RotateParams = {
    key: { kind: 'aws-iam-access-key', user_arn: arn, access_key_id: keyId },
    new_material: { consumer: CONSUMER, key_thumbprint: await thumbprintOf(key) },
    old_key_action: 'keep',
    overlap_seconds: 0,
    consumers: [{ id: CONSUMER, ...{ last_seen: '2026-11-28T16:00:00.000Z', verified: true } }],
    ...{ job_id: 'rot-9917' },
  };
  const action = await scene.draft(asked);
  expectEqual(await scene.ask(action), 'requested', 'the request');
  stage.step('job', `rot-9917 stops before it touches the key ${keyId}`);
  stage.step('person', 'sees, computed from the exact action:');
  const review = await cast.founder.review(action.action_id);
  showDisplay(review.action, 10);
  expectEqual(review.action, canonicalText(action), 'the action under review');
  await impliedConsent(scene, cast, action);
  await cast.founder.decide(action.action_id, 'approve', 'quarterly, agreed with billing');
  stage.step('person', 'approves: "quarterly, agreed with billing"');
  const shortId = shortIdOf(await scene.run(action));
  const tags = await tagsOf(endpoint);
  expectEqual(tags, `countersign-use=${shortId}`, 'the tag of the user');
  stage.step('executor', `made a new key, sealed it to its consumer, tagged the user ${tags}`);
  await proveOffline(cast, action.action_id, 'rotation');
}

async function impliedConsent(
  scene: ConnectorScene<RotateParams>,
  { founder }: Cast,
  action: Awaited<ReturnType<ConnectorScene<RotateParams>['draft']>>,
): Promise<void> {
  const silent = await scene.run(action);
  expectEqual(silent.outcome, 'refused', 'a run while nobody has answered');
  stage.refused('nobody has objected, so the job goes on', codeOf(silent));
  const rationale = rationaleOf('they said yes in the chat');
  const statement = founder.statement(await founder.review(action.action_id), 'approve', rationale);
  const chat = await founder.decideWith(statement, rationale, null);
  expectEqual(chat.body['code'], 'NO_HUMAN_PROOF', 'code of a yes that nobody signed');
  stage.refused('the job records a "yes" from the chat as the decision', 'NO_HUMAN_PROOF');
}

async function foundUser(endpoint: string): Promise<{ arn: string; keyId: string }> {
  const client = iamClient(endpoint);
  const { User: user } = await client.send(new CreateUserCommand({ UserName: USER }));
  const { AccessKey: key } = await client.send(new CreateAccessKeyCommand({ UserName: USER }));
  client.destroy();
  return { arn: user?.Arn ?? '', keyId: key?.AccessKeyId ?? '' };
}

async function tagsOf(endpoint: string): Promise<string> {
  const client = iamClient(endpoint);
  const { Tags: tags = [] } = await client.send(new ListUserTagsCommand({ UserName: USER }));
  client.destroy();
  return tags.map(({ Key, Value }) => `${Key ?? ''}=${Value ?? ''}`).join();
}
