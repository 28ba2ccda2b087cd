import { canonicalText, utf8 } from '@countersign/canonical';
import { draftAction, requestBinding, type HeldKey, type LedgerClient } from '@countersign/sdk';
import { rationaleOf } from '../support/http-person.ts';
import { IAM_INTERFACE, IamExecutor, policyDigest } from './iam-executor.ts';
import { AFTER, BEFORE, type IamTarget } from './iam-target.ts';
import { agentKey, clientOf, enrolledExecutor } from './machines.ts';
import { readTrust } from './trust-file.ts';
import { showDisplay } from './review-text.ts';
import { expectEqual, stage } from './stage.ts';
import { nextInInbox, proveOffline, type Cast } from './story-command.ts';

const EXECUTOR = 'iam-executor';
const HOUR_S = 3_600;

interface Scene extends Cast {
  readonly target: IamTarget;
  readonly agent: HeldKey;
  readonly client: LedgerClient;
  readonly executor: IamExecutor;
}

export async function playPolicy(cast: Cast, target: IamTarget): Promise<void> {
  const { founder } = cast;
  stage.title('2  An access policy: approved as an exact change, applied byte for byte');
  stage.step('target', target.description);
  const scene = await setScene(cast, target);
  const text = await ask(scene, { before: BEFORE, after: AFTER });
  const id = await nextInInbox(founder);
  stage.step('agent', `asks to change ${target.policyArn}`);
  stage.step('person', 'sees the change, worked out from both documents:');
  showDisplay((await founder.review(id)).action, 16);
  stage.step('person', 'approves with a passkey: "deletes move to the clean-up role"');
  await founder.decide(id, 'approve', 'deletes move to the clean-up role');
  const executed = await scene.executor.execute(utf8(text));
  if (executed.outcome !== 'ended') throw new Error(`expected it to run, got ${executed.code}`);
  const live = await target.read();
  expectEqual(live.document, AFTER, 'the live policy');
  stage.step('executor', `wrote ${live.versionId}, read it back: equal byte for byte`);
  stage.step('executor', `tagged the policy countersign-use=${executed.shortId}, reported`);
  await proveOffline(cast, id, 'policy');
  await attackPolicy(scene);
}

/** The executor is enrolled first, and that too is an action that a person has to sign for. */
async function setScene(cast: Cast, target: IamTarget): Promise<Scene> {
  const { ledger } = cast;
  const key = await enrolledExecutor(cast, {
    id: EXECUTOR,
    audience: target.account,
    interfaceDigest: IAM_INTERFACE,
  });
  stage.step(
    'operator',
    `enrols ${EXECUTOR}; the ledger’s own change needed the founder’s passkey too`,
  );
  const trust = readTrust(ledger.trustFile).bytes;
  const agent = await agentKey(cast);
  const executor = clientOf(ledger.url, key);
  return {
    ...cast,
    target,
    agent,
    client: clientOf(ledger.url, agent),
    executor: new IamExecutor({ ledger: executor, id: EXECUTOR, key, target, trust }),
  };
}

/** @returns the canonical text of the action that was asked for. */
async function ask(
  { agent, client, target }: Scene,
  documents: { before: string; after: string },
): Promise<string> {
  const action = draftAction(
    {
      tenant: 'default',
      agent: { id: 'local-agent', key_thumbprint: agent.thumbprint },
      executor: { id: EXECUTOR, audience: target.account, descriptor_digest: IAM_INTERFACE },
    },
    {
      type: 'iam.policy.change',
      typeVersion: 1,
      params: {
        provider: 'aws',
        account: target.account,
        target: { kind: 'managed-policy', ref: target.policyArn },
        ...documents,
        change_ref: 'CHG-1042',
      },
      preconditions: [{ name: 'policy.before', digest: policyDigest(documents.before) }],
      lifeS: HOUR_S,
    },
  );
  const asked = await requestBinding(client, { key: agent, action });
  expectEqual(asked.status, 'requested', 'status of the request');
  return canonicalText(action);
}

async function attackPolicy(scene: Scene): Promise<void> {
  const { founder, executor, target } = scene;
  const wider = AFTER.replace('s3:PutObject', 's3:*');
  const again = { before: AFTER, after: BEFORE };

  const text = await ask(scene, again);
  await founder.decide(await nextInInbox(founder), 'approve', 'back to what it was');
  const changed = await executor.execute(utf8(text.replace('s3:PutObject', 's3:PutObjecu')));
  expectEqual(codeOf(changed), 'ACTION_DIGEST_MISMATCH', 'code of a changed document');
  stage.refused(
    'one byte of the approved document changes before it is sent',
    'ACTION_DIGEST_MISMATCH',
  );

  await target.write(wider);
  const moved = await executor.execute(utf8(text));
  expectEqual(codeOf(moved), 'PRECONDITION_STALE', 'code after the live policy moved');
  expectEqual((await target.read()).document, wider, 'the live policy, untouched');
  stage.refused(
    'somebody else changes the live policy between approval and execution',
    'PRECONDITION_STALE',
  );
  await target.write(AFTER);
  await swapAnswers(scene);
}

/** Two requests wait at once; the answer to one is sent for the other. */
async function swapAnswers(scene: Scene): Promise<void> {
  const { founder } = scene;
  await ask(scene, { before: AFTER, after: BEFORE });
  await ask(scene, { before: AFTER, after: AFTER.replace('s3:PutObject', 's3:*') });
  const [harmless, wide] = await founder.inbox();
  if (harmless === undefined || wide === undefined) throw new Error('expected two requests');
  const rationale = rationaleOf('this one is fine');
  const meant = founder.statement(await founder.review(harmless.action_id), 'approve', rationale);
  const swapped = await founder.decideWith({ ...meant, action_id: wide.action_id }, rationale);
  expectEqual(swapped.body['code'], 'DECISION_REQUEST_MISMATCH', 'code of a swapped answer');
  stage.refused('the answer to one request is presented for another', 'DECISION_REQUEST_MISMATCH');
  for (const { action_id: id } of [harmless, wide]) await founder.decide(id, 'deny', 'not today');
}

function codeOf(executed: Awaited<ReturnType<IamExecutor['execute']>>): string {
  return executed.outcome === 'refused' ? executed.code : executed.outcome;
}
