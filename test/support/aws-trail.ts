import { readCloudTrail, type TargetRecord } from '@countersign/connectors/records';
import type { AwsProxy, DoneRequest } from './aws-proxy.ts';

const ACCOUNT = '123456789012';
const ROLE = 'countersign-executor';
const HOUR_MS = 3_600_000;

type Sent = Readonly<Record<string, unknown>>;

/** Where an event comes from, and how CloudTrail names what was sent. */
const EVENTS: Readonly<Record<string, [source: string, of: (body: string) => Sent]>> = {
  GetSecretValue: [
    'secretsmanager',
    (body) => {
      const { SecretId: secretId, VersionId: versionId } = JSON.parse(body) as Sent;
      return { secretId, versionId };
    },
  ],
  CreatePolicyVersion: [
    'iam',
    (body) => ({
      policyArn: field(body, 'PolicyArn'),
      policyDocument: field(body, 'PolicyDocument'),
    }),
  ],
  CreateAccessKey: ['iam', (body) => ({ userName: field(body, 'UserName') })],
  UpdateAccessKey: ['iam', keyOf],
  DeleteAccessKey: ['iam', keyOf],
  ModifyInstanceAttribute: [
    'ec2',
    (body) => {
      const groups = [...new URLSearchParams(body)].filter(([name]) => /^GroupId\./.test(name));
      const items = groups.map(([, groupId]) => ({ groupId }));
      return { instanceId: field(body, 'InstanceId'), groupSet: { items } };
    },
  ],
};

function keyOf(body: string): Sent {
  return {
    userName: field(body, 'UserName'),
    accessKeyId: field(body, 'AccessKeyId'),
    status: field(body, 'Status'),
  };
}

function field(body: string, name: string): string | undefined {
  return new URLSearchParams(body).get(name) ?? undefined;
}

/**
 * The trail that AWS would have written, which moto does not, of the requests that really were answered, in the sessions
 * that they really were sent in; and as complete as one that is read an hour later.
 */
export function trailOf({ done }: AwsProxy): TargetRecord {
  const Records = done.flatMap((request, number) => eventOf(request, number) ?? []);
  const later = { eventTime: new Date(Date.now() + HOUR_MS).toISOString() };
  return readCloudTrail(Buffer.from(JSON.stringify({ Records: [...Records, later] })));
}

function eventOf(
  { operation, body, at, session }: DoneRequest,
  number: number,
): object | undefined {
  const event = EVENTS[operation];
  if (event === undefined) return undefined;
  const [source, parameters] = event;
  const assumed = `arn:aws:sts::${ACCOUNT}:assumed-role/${ROLE}/${session ?? ''}`;
  return {
    eventID: `event-${number}`,
    eventTime: at,
    eventSource: `${source}.amazonaws.com`,
    eventName: operation,
    requestParameters: parameters(body),
    userIdentity: { arn: session === undefined ? `arn:aws:iam::${ACCOUNT}:user/me` : assumed },
  };
}
