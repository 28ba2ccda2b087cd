import {
  readCloudTrail,
  readEffectLines,
  readPostgresLog,
  readStatementEffects,
} from '@countersign/connectors/records';
import { describe, expect, it } from 'vitest';

const SESSION = 'arn:aws:sts::123456789012:assumed-role/executor/cs-VFCDVZ5H41H6NGY8';

function trail(...events: object[]): Uint8Array {
  const Records = events.map((event, n) => ({
    eventID: `e-${n}`,
    eventTime: `2026-11-23T12:00:0${n}Z`,
    userIdentity: { type: 'AssumedRole', arn: SESSION },
    ...event,
  }));
  return Buffer.from(JSON.stringify({ Records }));
}

describe('AWS CloudTrail', () => {
  it('tells of each kind of change, with the session as the reference', () => {
    const iam = { eventSource: 'iam.amazonaws.com' };
    const { effects, until } = readCloudTrail(
      trail(
        {
          eventSource: 'secretsmanager.amazonaws.com',
          eventName: 'GetSecretValue',
          requestParameters: { secretId: 'arn:s', versionId: 'v' },
        },
        {
          ...iam,
          eventName: 'CreatePolicyVersion',
          requestParameters: { policyArn: 'arn:p', policyDocument: '{}' },
        },
        { ...iam, eventName: 'CreateAccessKey', requestParameters: { userName: 'bot' } },
        {
          ...iam,
          eventName: 'UpdateAccessKey',
          requestParameters: { userName: 'bot', accessKeyId: 'AK', status: 'Inactive' },
        },
        {
          ...iam,
          eventName: 'DeleteAccessKey',
          requestParameters: { userName: 'bot', accessKeyId: 'AK' },
        },
        {
          eventSource: 'ec2.amazonaws.com',
          eventName: 'ModifyInstanceAttribute',
          requestParameters: {
            instanceId: 'i-1',
            groupSet: { items: [{ groupId: 'sg-2' }, { groupId: 'sg-1' }] },
          },
        },
      ),
    );
    expect(until).toBe('2026-11-23T12:00:05.000Z');
    expect(effects.every(({ reference }) => reference === 'cs-VFCDVZ5H41H6NGY8')).toBe(true);
    expect(effects.map(({ kind, target, facts }) => [kind, target, facts])).toEqual([
      ['secret-read', 'arn:s', { version: 'v' }],
      ['policy-written', 'arn:p', { document: '{}' }],
      ['access-key-created', 'bot', {}],
      ['access-key-disabled', 'bot', { key: 'AK' }],
      ['access-key-deleted', 'bot', { key: 'AK' }],
      ['groups-set', 'i-1', { groups: 'sg-1 sg-2' }],
    ]);
  });

  it('has no effect of calls that were refused, or that approvals are not asked for', () => {
    const iam = { eventSource: 'iam.amazonaws.com' };
    const { effects } = readCloudTrail(
      trail(
        { ...iam, eventName: 'CreateAccessKey', errorCode: 'AccessDenied' },
        { ...iam, eventName: 'ListUsers' },
        { ...iam, eventName: 'UpdateAccessKey', requestParameters: { status: 'Active' } },
        { eventSource: 'ec2.amazonaws.com', eventName: 'ModifyInstanceAttribute' },
      ),
    );
    expect(effects).toEqual([]);
  });

  it('G12: of a user who is no session has no reference', () => {
    const arn = 'arn:aws:iam::123456789012:user/cs-VFCDVZ5H41H6NGY8';
    const [effect] = readCloudTrail(
      trail({
        eventSource: 'iam.amazonaws.com',
        eventName: 'CreateAccessKey',
        userIdentity: { type: 'IAMUser', arn, userName: 'mallory' },
      }),
    ).effects;
    expect(effect).toMatchObject({ target: 'mallory' });
    expect(effect).not.toHaveProperty('reference');
  });
});

describe('a log of PostgreSQL', () => {
  const json = (message: string, application = 'countersign cs-5H41H6NGY8'): string =>
    JSON.stringify({
      timestamp: '2026-11-23 12:00:00.123 UTC',
      session_id: '65',
      line_num: 7,
      message,
      application_name: application,
    });

  it('tells of each password that was set, by whichever spelling', () => {
    const text = [
      json('statement: alter role "app" password \'SCRAM-SHA-256$x\''),
      json('statement: ALTER USER App WITH LOGIN PASSWORD NULL', 'psql'),
      json(
        "execute <unnamed>: create role other login password 'x'; alter role app valid until 'x'",
        '',
      ),
      json("statement: alter role app valid until '2030-01-01'"),
      json("duration: alter role app password 'x'"),
    ].join('\n');
    const { effects, until } = readPostgresLog(Buffer.from(text));
    expect(until).toBe('2026-11-23T12:00:00.123Z');
    expect(effects.map(({ target, reference }) => [target, reference])).toEqual([
      ['app', 'cs-5H41H6NGY8'],
      ['app', undefined],
      ['other', undefined],
    ]);
  });

  it('is read as csvlog too, with line ends and quotes in a statement', () => {
    const fields = Array.from({ length: 26 }, () => '');
    fields[0] = '2026-11-23 12:00:00.123 UTC';
    fields[5] = '65';
    fields[6] = '7';
    fields[13] = '"statement: alter role ""a""""b""\n password \'x\'"';
    fields[22] = '"countersign cs-5H41H6NGY8"';
    const { effects } = readPostgresLog(Buffer.from(`${fields.join(',')}\n${fields.join(',')}\n`));
    expect(effects).toHaveLength(2);
    expect(effects[0]).toMatchObject({ target: 'a"b', reference: 'cs-5H41H6NGY8', id: '65-7-0' });
  });

  it.each(['{"timestamp":"2026-11-23 12:00:00.123 CET"}', '"open', '{'])(
    'is refused: %j',
    (text) => {
      expect(() => readPostgresLog(Buffer.from(text))).toThrow(
        expect.objectContaining({ code: 'RECORD_FORMAT' }),
      );
    },
  );
});

describe('other records', () => {
  it('are lines of JSON', () => {
    const line = {
      id: '1',
      at: '2026-11-23T12:00:00Z',
      kind: 'payment',
      target: 'X',
      facts: { a: 'b' },
    };
    const { effects, kinds } = readEffectLines(Buffer.from(`${JSON.stringify(line)}\n\n`));
    expect(kinds).toEqual(['payment']);
    expect(effects).toEqual([{ ...line, at: '2026-11-23T12:00:00.000Z', record: 'lines' }]);
  });

  it.each(['{"kind":"payment"}', '{"id":"1","target":"X","kind":"nothing"}', 'no json'])(
    'are refused where a line is %j',
    (text) => {
      expect(() => readEffectLines(Buffer.from(text))).toThrow(
        expect.objectContaining({ code: 'RECORD_FORMAT' }),
      );
    },
  );

  it('are statements, of which two equal lines are two effects, and one line twice is one', () => {
    const entry =
      '<Ntry><Amt Ccy="EUR">5.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-11-23</Dt></BookgDt></Ntry>';
    const file = Buffer.from(
      `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>${entry}${entry}</Stmt></BkToCstmrStmt></Document>`,
    );
    const [once, again] = [readStatementEffects(file), readStatementEffects(file)];
    expect(once).toEqual(again);
    expect(new Set(once.effects.map(({ id }) => id)).size).toBe(2);
    expect(once).toMatchObject({ until: '2026-11-23T23:59:59.999Z' });
    expect(once.effects[0]?.facts).toMatchObject({ amount: '5' });
  });
});
