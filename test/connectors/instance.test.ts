import {
  CreateSecurityGroupCommand,
  CreateTagsCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  EC2Client,
  ModifyInstanceAttributeCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { InstanceConnector, type InstanceParams } from '@countersign/connectors';
import { connectorContract, type ConnectorStage } from '@countersign/connectors/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { containmentAsked, INCIDENT, notesOf, openIncident } from '../support/incident.ts';
import { trailOf } from '../support/aws-trail.ts';
import { told } from '../support/guarded-case.ts';
import { guardedCase } from '../support/guarded-case-contract.ts';
import { MotoStage } from '../support/moto-stage.ts';

const USE = { useId: '01M83G8PGDVFCDVZ5H41H6NGY8', shortId: 'cs-5H41H6NGY8' };
const NAME = 'HAM-ERP-02';

const stage = new MotoStage();
let ec2: EC2Client;
let image: string;
let instance: string;
let groups: string[];

async function start(): Promise<void> {
  await stage.start();
  ec2 = new EC2Client(stage.client);
  const { Images = [] } = await ec2.send(new DescribeImagesCommand({ Owners: ['amazon'] }));
  image = Images[0]?.ImageId ?? '';
}

async function stop(): Promise<void> {
  ec2.destroy();
  await stage.stop();
}

async function group(name: string): Promise<string> {
  const GroupName = stage.name(name);
  const made = await ec2.send(new CreateSecurityGroupCommand({ GroupName, Description: name }));
  return made.GroupId ?? '';
}

async function found(): Promise<void> {
  await stage.found();
  await openIncident(stage.path('incidents'));
  groups = [await group('web'), await group('office'), await group('quarantine')];
  const made = await ec2.send(
    new RunInstancesCommand({
      ImageId: image,
      MinCount: 1,
      MaxCount: 1,
      SecurityGroupIds: groups.slice(0, 2),
    }),
  );
  instance = made.Instances?.[0]?.InstanceId ?? '';
  await tag('Name', NAME);
}

async function tag(Key: string, Value: string): Promise<void> {
  await ec2.send(new CreateTagsCommand({ Resources: [instance], Tags: [{ Key, Value }] }));
}

function connector(): InstanceConnector {
  return new InstanceConnector({
    access: stage.access,
    incidents: stage.path('incidents'),
    journal: stage.path('journal'),
  });
}

function params(changes: Partial<InstanceParams['target']> = {}): InstanceParams {
  return {
    incident: INCIDENT,
    action: 'isolate-host',
    target: {
      kind: 'cloud-instance',
      id: instance,
      account: '123456789012',
      region: 'us-east-1',
      display: NAME,
      groups_before: groups.slice(0, 2),
      groups_after: groups.slice(2),
      ...changes,
    },
    evidence: [{ source: 'edr', ref: 'detection:ldt:9981', digest: `sha256:${'ab'.repeat(32)}` }],
  };
}

async function live(): Promise<{ groups: string[]; tags: Record<string, string> }> {
  const { Reservations = [] } = await ec2.send(
    new DescribeInstancesCommand({ InstanceIds: [instance] }),
  );
  const { SecurityGroups = [], Tags = [] } = Reservations[0]?.Instances?.[0] ?? {};
  return {
    groups: SecurityGroups.map(({ GroupId = '' }) => GroupId).sort(),
    tags: Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value])),
  };
}

async function open(): Promise<ConnectorStage<InstanceParams>> {
  await found();
  return {
    connector: connector(),
    params: params(),
    others: params({ groups_after: groups.slice(1, 2) }),
    restarted: connector,
    moveTarget: async () => {
      await ec2.send(
        new ModifyInstanceAttributeCommand({ InstanceId: instance, Groups: groups.slice(0, 1) }),
      );
    },
    targetState: live,
    effects: () => Promise.resolve(stage.proxy.count('ModifyInstanceAttribute')),
    targetRecord: async () => JSON.stringify((await live()).tags),
    loseAnswers: () => {
      stage.proxy.loseAnswersTo('ModifyInstanceAttribute');
      return Promise.resolve();
    },
    cutOff: () => stage.proxy.stop(),
  };
}

connectorContract('quarantine in AWS EC2', { open, close: stage.close, start, stop });

guardedCase('the quarantine of an instance of EC2', {
  type: 'response.contain',
  ...{ open, close: stage.close, start, stop },
  asked: containmentAsked,
  silence: () => {
    stage.proxy.keepAnswersTo('ModifyInstanceAttribute');
    return Promise.resolve();
  },
  record: () => Promise.resolve(trailOf(stage.proxy)),
  feared: [
    {
      name: 'A07: does not cut off what by now is another machine of the same id',
      answer: 'refused PRECONDITION_STALE',
      attempt: async (of) => {
        const approved = await of.approved();
        await tag('Name', 'HAM-SCADA-01');
        return told(await of.run(approved));
      },
    },
    {
      name: 'A07: does not act on an incident that was changed after it was looked at',
      answer: 'refused PRECONDITION_STALE',
      attempt: async (of) => {
        const approved = await of.approved();
        await openIncident(stage.path('incidents'), 'Drill, nothing to be done');
        return told(await of.run(approved));
      },
    },
    {
      name: 'A10: does not ask for a machine by its name',
      answer: 'UNRESOLVED_REFERENCE',
      attempt: async (of) => {
        const action = await of.draft();
        const shown = action['params'] as { target: object };
        return of.answerTo({
          ...action,
          params: { ...shown, target: { ...shown.target, id: NAME } },
        });
      },
    },
  ],
});

describe('an instance of EC2', () => {
  beforeAll(start);
  afterAll(stop);
  beforeEach(found);
  afterEach(stage.close);

  async function contain(
    what: InstanceParams,
    use = USE,
  ): ReturnType<InstanceConnector['execute']> {
    const preconditions = await connector().preconditions(what);
    const evidence = Buffer.from('{"v":"countersign.evidence.v1"}');
    const idempotencyKey = use.useId.padEnd(64, '0');
    return connector().execute({ ...use, params: what, preconditions, idempotencyKey, evidence });
  }

  it('is in the quarantine group alone, knows its groups of before, and gets back into them', async () => {
    expect(await contain(params())).toMatchObject({ result: 'succeeded' });
    const cut = await live();
    expect(cut.groups).toEqual(groups.slice(2));
    expect(cut.tags).toMatchObject({ 'countersign-use': USE.shortId });
    const before = cut.tags['countersign-groups-before']?.split(' ') ?? [];
    expect(before).toEqual(groups.slice(0, 2).sort());
    const back = { ...params({ groups_before: cut.groups, groups_after: before }) };
    const release = { useId: '01M83G8PGDVFCDVZ5H41H6NGYA', shortId: 'cs-5H41H6NGYA' };
    expect(await contain({ ...back, action: 'release-host' }, release)).toMatchObject({
      result: 'succeeded',
    });
    expect((await live()).groups).toEqual(before);
  });

  it('has a note and the evidence in the incident', async () => {
    const effect = await contain(params());
    const notes = await notesOf(stage.path('incidents'));
    expect(Object.keys(notes)).toEqual(['cs-5H41H6NGY8.evidence.json', 'cs-5H41H6NGY8.stix.json']);
    expect(notes['cs-5H41H6NGY8.stix.json']).toContain(effect.afterDigest);
    expect(notes['cs-5H41H6NGY8.stix.json']).toContain('detection:ldt:9981');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['the name', () => tag('Name', 'HAM-ERP-03')],
    ['the incident', () => openIncident(stage.path('incidents'), 'A false alarm')],
  ])('A07: is left alone when %s is another one', async (_, move) => {
    const what = params();
    const preconditions = await connector().preconditions(what);
    await move();
    const use = { ...USE, params: what, preconditions, idempotencyKey: 'ab'.repeat(32) };
    expect(await connector().execute(use)).toMatchObject({ code: 'PRECONDITION_STALE' });
    expect((await live()).groups).toEqual(groups.slice(0, 2).sort());
  });

  it.each<[string, Partial<InstanceParams['target']>, string]>([
    ['another account', { account: '210987654321' }, 'TARGET_UNKNOWN'],
    ['another region', { region: 'eu-west-1' }, 'NOT_SUPPORTED'],
    ['an instance that is not there', { id: 'i-0123456789abcdef0' }, 'TARGET_REFUSED'],
  ])('is not looked for in %s', async (_, changes, code) => {
    await expect(connector().preconditions(params(changes))).rejects.toMatchObject({ code });
  });
});
