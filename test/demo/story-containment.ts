import { join } from 'node:path';
import {
  CreateSecurityGroupCommand,
  CreateTagsCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  EC2Client,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { digestBytes, utf8 } from '@countersign/canonical';
import { InstanceConnector, type InstanceParams } from '@countersign/connectors';
import { INCIDENT, notesOf, openIncident } from '../support/incident.ts';
import { MOTO_CLIENT } from '../support/moto-server.ts';
import { codeOf, ConnectorScene, shortIdOf, type AskedAction } from './connector-scene.ts';
import { ACCOUNT } from './moto-iam.ts';
import { showDisplay } from './review-text.ts';
import { expectEqual, stage } from './stage.ts';
import { proveOffline, type Cast } from './story-command.ts';

const NAME = 'HAM-ERP-02';

interface Machine {
  readonly client: EC2Client;
  readonly id: string;
  readonly groups: { readonly before: string; readonly quarantine: string };
}

/** The fear here: a drastic response to a context that nobody has verified. */
export async function playContainment(cast: Cast, endpoint: string): Promise<void> {
  stage.title('6  A containment: this host, in this state, for this incident');
  const machine = await foundMachine(endpoint);
  const incidents = join(cast.work, 'incidents');
  await openIncident(incidents);
  const connector = new InstanceConnector({
    access: { ...MOTO_CLIENT, endpoint },
    incidents,
    journal: join(cast.work, 'containment-journal'),
  });
  const scene = await ConnectorScene.open({
    cast,
    id: 'containment-executor',
    audience: ACCOUNT,
    connector,
  });
  const action = await scene.draft(params(machine));
  expectEqual(await scene.ask(action), 'requested', 'the request');
  stage.step('agent', `asks to isolate ${NAME} for ${INCIDENT.id}`);
  stage.step('person', 'sees, computed from the exact action:');
  showDisplay((await cast.founder.review(action.action_id)).action, 12);
  await cast.founder.decide(action.action_id, 'approve', 'seen the detection, warned finance');
  stage.step('person', 'approves: "seen the detection, warned finance"');
  await attackContainment(scene, { action, machine, incidents });
  const shortId = shortIdOf(await scene.run(action));
  expectEqual(await groupOf(machine), machine.groups.quarantine, 'the group of the host');
  const notes = Object.keys(await notesOf(incidents));
  expectEqual(notes.includes(`${shortId}.stix.json`), true, 'the note in the incident');
  stage.step('executor', `moved it into the quarantine group, tagged it ${shortId}`);
  stage.step('incident', `${INCIDENT.id} now holds ${notes.sort().join(' and ')}`);
  await proveOffline(cast, action.action_id, 'containment');
  machine.client.destroy();
}

async function attackContainment(
  scene: ConnectorScene<InstanceParams>,
  at: { action: AskedAction; machine: Machine; incidents: string },
): Promise<void> {
  const { action, machine, incidents } = at;
  await rename(machine, 'HAM-SCADA-01');
  expectEqual(codeOf(await scene.run(action)), 'PRECONDITION_STALE', 'another host by that id');
  stage.refused('what was approved as HAM-ERP-02 is HAM-SCADA-01 by now', 'PRECONDITION_STALE');
  await rename(machine, NAME);
  await openIncident(incidents, 'Drill, nothing to be done');
  expectEqual(codeOf(await scene.run(action)), 'PRECONDITION_STALE', 'another incident');
  stage.refused('the incident was changed after the person had looked at it', 'PRECONDITION_STALE');
  await openIncident(incidents);
  expectEqual(await groupOf(machine), machine.groups.before, 'the group of the host, untouched');
}

function params({ id, groups }: Machine): InstanceParams {
  return {
    incident: INCIDENT,
    action: 'isolate-host',
    target: {
      kind: 'cloud-instance',
      id,
      account: ACCOUNT,
      region: MOTO_CLIENT.region,
      display: NAME,
      groups_before: [groups.before],
      groups_after: [groups.quarantine],
      ...{ owner: 'Finance IT', criticality: 'business' },
    },
    evidence: [
      {
        source: 'edr',
        ref: 'detection:ldt:9981',
        digest: digestBytes('countersign/file/v1', utf8('detection ldt:9981')),
      },
    ],
    ...{ impact: { sessions_cut: 14, services: ['erp-print'] } },
  };
}

async function foundMachine(endpoint: string): Promise<Machine> {
  const client = new EC2Client({ ...MOTO_CLIENT, endpoint });
  const group = async (name: string): Promise<string> => {
    const made = await client.send(
      new CreateSecurityGroupCommand({ GroupName: name, Description: name }),
    );
    return made.GroupId ?? '';
  };
  const groups = { before: await group('office'), quarantine: await group('quarantine') };
  const { Images = [] } = await client.send(new DescribeImagesCommand({ Owners: ['amazon'] }));
  const { Instances = [] } = await client.send(
    new RunInstancesCommand({
      ImageId: Images[0]?.ImageId ?? '',
      MinCount: 1,
      MaxCount: 1,
      SecurityGroupIds: [groups.before],
    }),
  );
  const machine = { client, id: Instances[0]?.InstanceId ?? '', groups };
  await rename(machine, NAME);
  return machine;
}

async function rename({ client, id }: Machine, Value: string): Promise<void> {
  await client.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'Name', Value }] }));
}

async function groupOf({ client, id }: Machine): Promise<string> {
  const { Reservations = [] } = await client.send(
    new DescribeInstancesCommand({ InstanceIds: [id] }),
  );
  const { SecurityGroups = [] } = Reservations[0]?.Instances?.[0] ?? {};
  return SecurityGroups.map(({ GroupId = '' }) => GroupId).join();
}
