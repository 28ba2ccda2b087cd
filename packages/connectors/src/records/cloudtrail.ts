import type { EffectKind, TargetEffect } from '@countersign/reconcile';
import { ConnectorError } from '../connector-error.ts';
import {
  memberAt,
  newest,
  parseRecord,
  recordText,
  textAtPath,
  utcTime,
  type TargetRecord,
} from './target-record.ts';

const RECORD = 'cloudtrail';

interface Told {
  readonly kind: EffectKind;
  readonly target: string | undefined;
  readonly facts: Readonly<Record<string, string | undefined>>;
}

type Reading = (event: unknown) => Told | undefined;

const USER = 'requestParameters.userName';
const KEY = 'requestParameters.accessKeyId';

/** Changes that approvals are asked for, by the source and the name of the event. */
const READINGS: Readonly<Record<string, Reading>> = {
  'secretsmanager.amazonaws.com GetSecretValue': (event) => ({
    kind: 'secret-read',
    target: textAtPath(event, 'requestParameters.secretId'),
    facts: { version: textAtPath(event, 'requestParameters.versionId') ?? 'not named' },
  }),
  'iam.amazonaws.com CreatePolicyVersion': (event) => ({
    kind: 'policy-written',
    target: textAtPath(event, 'requestParameters.policyArn'),
    facts: { document: textAtPath(event, 'requestParameters.policyDocument') },
  }),
  'iam.amazonaws.com CreateAccessKey': (event) => ({
    kind: 'access-key-created',
    // Without a name it is the user's own.
    target: textAtPath(event, USER) ?? textAtPath(event, 'userIdentity.userName'),
    facts: {},
  }),
  'iam.amazonaws.com UpdateAccessKey': (event) =>
    textAtPath(event, 'requestParameters.status') === 'Inactive'
      ? {
          kind: 'access-key-disabled',
          target: textAtPath(event, USER) ?? textAtPath(event, 'userIdentity.userName'),
          facts: { key: textAtPath(event, KEY) },
        }
      : undefined,
  'iam.amazonaws.com DeleteAccessKey': (event) => ({
    kind: 'access-key-deleted',
    target: textAtPath(event, USER) ?? textAtPath(event, 'userIdentity.userName'),
    facts: { key: textAtPath(event, KEY) },
  }),
  'ec2.amazonaws.com ModifyInstanceAttribute': (event) => {
    const items = memberAt(event, 'requestParameters.groupSet.items');
    if (!Array.isArray(items)) return undefined;
    const groups = items.map((item) => textAtPath(item, 'groupId') ?? '').sort();
    return {
      kind: 'groups-set',
      target: textAtPath(event, 'requestParameters.instanceId'),
      facts: { groups: groups.join(' ') },
    };
  },
};

const KINDS: readonly EffectKind[] = [
  'secret-read',
  'policy-written',
  'access-key-created',
  'access-key-disabled',
  'access-key-deleted',
  'groups-set',
];

/**
 * A log file of AWS CloudTrail, unpacked: `{"Records": […]}`. The reference is the name of the session of the role. Calls that
 * AWS refused have changed nothing.
 *
 * @throws {ConnectorError} RECORD_FORMAT, RECORD_LIMIT
 */
export function readCloudTrail(bytes: Uint8Array): TargetRecord {
  const records = memberAt(parseRecord(recordText(bytes), 'CloudTrail'), 'Records');
  if (!Array.isArray(records)) {
    throw new ConnectorError('RECORD_FORMAT', 'CloudTrail: expected Records');
  }
  const until = newest(
    records.map((event) => utcTime(textAtPath(event, 'eventTime'), 'CloudTrail')),
  );
  return { effects: records.flatMap((event) => effectOf(event) ?? []), kinds: KINDS, until };
}

function effectOf(event: unknown): TargetEffect | undefined {
  const name = `${textAtPath(event, 'eventSource') ?? ''} ${textAtPath(event, 'eventName') ?? ''}`;
  const reading = Object.hasOwn(READINGS, name) ? READINGS[name] : undefined;
  if (reading === undefined || textAtPath(event, 'errorCode') !== undefined) return undefined;
  const told = reading(event);
  const id = textAtPath(event, 'eventID');
  if (told === undefined) return undefined;
  if (id === undefined)
    throw new ConnectorError('RECORD_FORMAT', 'CloudTrail: expected an eventID');
  const reference = sessionOf(event);
  return {
    record: RECORD,
    id,
    at: utcTime(textAtPath(event, 'eventTime'), 'CloudTrail'),
    kind: told.kind,
    target: told.target ?? '',
    ...(reference !== undefined && { reference }),
    facts: known(told.facts),
  };
}

/** arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION */
function sessionOf(event: unknown): string | undefined {
  const arn = textAtPath(event, 'userIdentity.arn') ?? '';
  return /:assumed-role\/[^/]+\/([^/]+)$/.exec(arn)?.[1];
}

function known(facts: Told['facts']): Record<string, string> {
  const entries = Object.entries(facts).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Record<string, string>;
}
