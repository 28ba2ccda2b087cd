import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  DeletePolicyVersionCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  IAMClient,
  ListPolicyTagsCommand,
  ListPolicyVersionsCommand,
  SetDefaultPolicyVersionCommand,
} from '@aws-sdk/client-iam';
import { PolicyConnector, type PolicyParams } from '@countersign/connectors';
import { connectorContract, type ConnectorStage } from '@countersign/connectors/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { trailOf } from '../support/aws-trail.ts';
import { told } from '../support/guarded-case.ts';
import { guardedCase } from '../support/guarded-case-contract.ts';
import { MotoStage } from '../support/moto-stage.ts';

const ACCOUNT = '123456789012'; // moto's own
const USE = { useId: '01M83G8PGDVFCDVZ5H41H6NGY8', shortId: 'cs-5H41H6NGY8' };

function policy(...actions: string[]): string {
  const Statement = [{ Effect: 'Allow', Action: actions, Resource: 'arn:aws:s3:::artifacts/*' }];
  return JSON.stringify({ Version: '2012-10-17', Statement });
}

const BEFORE = policy('s3:GetObject', 's3:DeleteObject');
const AFTER = policy('s3:GetObject');
const FOREIGN = policy('s3:*');

const stage = new MotoStage();
let iam: IAMClient;
let principal: string;
let policyArn: string;

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
  const name = stage.name('deploy');
  const made = await iam.send(
    new CreatePolicyCommand({ PolicyName: name, PolicyDocument: BEFORE }),
  );
  policyArn = made.Policy?.Arn ?? '';
  const role = await iam.send(
    new CreateRoleCommand({
      RoleName: name,
      Path: '/agents/',
      AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
    }),
  );
  principal = role.Role?.Arn ?? '';
  await iam.send(new AttachRolePolicyCommand({ PolicyArn: policyArn, RoleName: name }));
}

function connector(): PolicyConnector {
  return new PolicyConnector({ access: stage.access, journal: stage.path('journal') });
}

function params(after = AFTER): PolicyParams {
  return {
    provider: 'aws',
    account: ACCOUNT,
    target: {
      kind: 'managed-policy',
      ref: policyArn,
      current_version: 'v1',
      attached_principals: [principal],
    },
    before: BEFORE,
    after,
  };
}

async function write(document: string): Promise<void> {
  await iam.send(
    new CreatePolicyVersionCommand({
      PolicyArn: policyArn,
      PolicyDocument: document,
      SetAsDefault: true,
    }),
  );
}

async function live(): Promise<{ document: string; versions: number }> {
  const of = { PolicyArn: policyArn };
  const { Policy } = await iam.send(new GetPolicyCommand(of));
  const version = await iam.send(
    new GetPolicyVersionCommand({ ...of, VersionId: Policy?.DefaultVersionId }),
  );
  const { Versions = [] } = await iam.send(new ListPolicyVersionsCommand(of));
  return {
    document: decodeURIComponent(version.PolicyVersion?.Document ?? ''),
    versions: Versions.length,
  };
}

async function tags(): Promise<string> {
  const { Tags } = await iam.send(new ListPolicyTagsCommand({ PolicyArn: policyArn }));
  return JSON.stringify(Tags);
}

async function open(): Promise<ConnectorStage<PolicyParams>> {
  await found();
  return {
    connector: connector(),
    params: params(),
    others: params(FOREIGN),
    restarted: connector,
    moveTarget: () => write(FOREIGN),
    targetState: live,
    effects: () => Promise.resolve(stage.proxy.count('CreatePolicyVersion')),
    targetRecord: tags,
    loseAnswers: () => {
      stage.proxy.loseAnswersTo('CreatePolicyVersion');
      return Promise.resolve();
    },
    cutOff: () => stage.proxy.stop(),
  };
}

connectorContract('policies of AWS IAM', { open, close: stage.close, start, stop });

guardedCase('a managed policy of AWS IAM', {
  type: 'iam.policy.change',
  ...{ open, close: stage.close, start, stop },
  asked: (shown) => ({ ...shown, change_ref: 'CHG-1042' }),
  silence: () => {
    stage.proxy.keepAnswersTo('CreatePolicyVersion');
    return Promise.resolve();
  },
  record: () => Promise.resolve(trailOf(stage.proxy)),
  feared: [
    {
      name: 'A01: does not write a text of which one byte was changed after it was approved',
      answer: 'refused ACTION_DIGEST_MISMATCH',
      attempt: async (of) => {
        const approved = await of.approved();
        return told(
          await of.run(approved, { params: params(AFTER.replace('artifacts', 'artifactz')) }),
        );
      },
    },
    {
      name: 'A07: does not write over what somebody attached to it meanwhile',
      answer: 'refused PRECONDITION_STALE',
      attempt: async (of) => {
        const approved = await of.approved();
        const name = stage.name('another');
        await iam.send(
          new CreateRoleCommand({
            RoleName: name,
            AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
          }),
        );
        await iam.send(new AttachRolePolicyCommand({ PolicyArn: policyArn, RoleName: name }));
        return told(await of.run(approved));
      },
    },
    {
      name: 'A10: does not ask for a policy by a pattern',
      answer: 'UNRESOLVED_REFERENCE',
      attempt: async (of) => {
        const action = await of.draft();
        const shown = action['params'] as { target: object };
        const target = { ...shown.target, ref: `arn:aws:iam::${ACCOUNT}:policy/*` };
        return of.answerTo({ ...action, params: { ...shown, target } });
      },
    },
  ],
});

describe('a policy of AWS IAM', () => {
  beforeAll(start);
  afterAll(stop);
  beforeEach(found);
  afterEach(stage.close);

  async function change(what: PolicyParams): ReturnType<PolicyConnector['execute']> {
    const preconditions = await connector().preconditions(what);
    const use = { ...USE, params: what, preconditions, idempotencyKey: 'd5'.repeat(32) };
    return connector().execute(use);
  }

  it('takes a version that follows a deleted one, whose number is not given out again', async () => {
    await write(FOREIGN);
    await write(BEFORE);
    await write(FOREIGN);
    const of = { PolicyArn: policyArn };
    await iam.send(new SetDefaultPolicyVersionCommand({ ...of, VersionId: 'v3' }));
    for (const VersionId of ['v2', 'v4']) {
      await iam.send(new DeletePolicyVersionCommand({ ...of, VersionId }));
    }
    const what = { ...params(), target: { ...params().target, current_version: 'v3' } };
    const preconditions = await connector().preconditions(what);
    const use = { ...USE, params: what, preconditions, idempotencyKey: 'd5'.repeat(32) };
    expect(await connector().execute(use)).toMatchObject({
      result: 'succeeded',
      targetRef: `${policyArn} v5`,
    });
  });

  it('is written byte for byte, and tagged', async () => {
    expect(await change(params())).toMatchObject({
      result: 'succeeded',
      targetRef: `${policyArn} v2`,
    });
    expect(await live()).toEqual({ document: AFTER, versions: 2 });
    expect(await tags()).toContain('cs-5H41H6NGY8');
  });

  it('G13: is EFFECT_DIFFERS when somebody wrote between our read and our write', async () => {
    stage.proxy.before('CreatePolicyVersion', () => write(FOREIGN));
    expect(await change(params())).toMatchObject({ result: 'failed', code: 'EFFECT_DIFFERS' });
  });

  it('G13: is EFFECT_DIFFERS when somebody wrote right after us', async () => {
    let reads = 0;
    const again = (): Promise<void> => {
      reads += 1;
      if (reads < 3) stage.proxy.before('GetPolicy', again);
      return reads === 3 ? write(FOREIGN) : Promise.resolve();
    };
    stage.proxy.before('GetPolicy', again);
    expect(await change(params())).toMatchObject({ result: 'failed', code: 'EFFECT_DIFFERS' });
  });

  it('is failed when AWS refuses the text', async () => {
    const effect = await change(params('{"Version":"2012-10-17","Statement":"none"}'));
    expect(effect).toMatchObject({ result: 'failed', code: 'TARGET_REFUSED' });
    expect(await live()).toEqual({ document: BEFORE, versions: 1 });
  });

  it.each<[string, (shown: PolicyParams) => PolicyParams]>([
    ['text', (shown) => ({ ...shown, before: FOREIGN })],
    ['version', (shown) => ({ ...shown, target: { ...shown.target, current_version: 'v7' } })],
    ['principals', (shown) => ({ ...shown, target: { ...shown.target, attached_principals: [] } })],
  ])('A07: is refused where the %s that was shown is not the live one', async (_, changed) => {
    expect(await change(changed(params()))).toMatchObject({ code: 'PRECONDITION_STALE' });
    expect(await live()).toEqual({ document: BEFORE, versions: 1 });
  });

  it('of another account, or of another kind, is NOT_SUPPORTED', async () => {
    const other = { ...params(), account: '210987654321' };
    await expect(connector().preconditions(other)).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
  });
});
