import { canonicalBytes, type JsonObject } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS, parseAction, type Action, type Descriptor } from '../src/index.ts';

export function digest(pair: string): string {
  return `sha256:${pair.repeat(32)}`;
}

export function builtin(type: string): Descriptor {
  const descriptor = BUILTIN_DESCRIPTORS.find((known) => known.type === type);
  if (descriptor === undefined) throw new Error(`no built-in ${type}`);
  return descriptor;
}

export const COMMAND_PARAMS: JsonObject = {
  argv: ['/opt/app/bin/migrate', '--plan', 'billing 2026-11'],
  cwd: '/opt/app',
  executable: { path: '/opt/app/bin/migrate', digest: digest('aa') },
  interpreter: { path: '/usr/bin/python3', digest: digest('bb') },
  env: [
    { name: 'LANG', value: 'C' },
    { name: 'REGION', value: 'eu-west-1' },
  ],
  secret_env: [{ name: 'DB_PASSWORD', digest: digest('cc') }],
  stdin: { kind: 'digest', digest: digest('dd'), bytes: 42 },
  purpose: 'Monthly migration INC-4711',
  timeout_s: 900,
};

const POLICY_BEFORE: string = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: 's3:DeleteObject', Resource: 'arn:aws:s3:::prod-artifacts/*' },
  ],
});

export const POLICY_PARAMS: JsonObject = {
  provider: 'aws',
  account: '111122223333',
  target: {
    kind: 'managed-policy',
    ref: 'arn:aws:iam::111122223333:policy/deploy-agent',
    current_version: 'v12',
    attached_principals: ['arn:aws:iam::111122223333:role/deploy-agent'],
  },
  before: POLICY_BEFORE,
  after: '{"Version":"2012-10-17","Statement":[]}',
  rollback_version: 'v12',
  change_ref: 'CHG-118',
};

const POLICY_PRECONDITIONS = ['policy.before', 'policy.version', 'attachments'];

export const AUTHORITY_PARAMS: JsonObject = {
  change: {
    kind: 'executor-enrolled',
    executor: {
      id: 'executor:deploy-1',
      public_key: 'MCowBQYDK2VwAyEAAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8',
      audiences: ['host:app-1', 'host:app-2'],
      interface_digest: digest('ee'),
    },
  },
  note: 'Second deployment host',
};

export const TOOL_PARAMS: JsonObject = {
  server: {
    name: 'GitHub MCP Server',
    version: '0.21.0',
    origin: { kind: 'launch', digest: digest('a1') },
  },
  tool: { name: 'create_issue', descriptor_digest: digest('a2') },
  arguments:
    '{"labels":["bug"],"owner":"acme","repo":"billing","title":"Rounding of 0.5 cents","weight":0.5}',
  purpose: 'Report what INC-4711 showed',
};

/** Every optional member is there, so that a property over all members meets each of them. */
export function envelope(type: string, params: JsonObject): JsonObject {
  const names = type === 'iam.policy.change' ? POLICY_PRECONDITIONS : [];
  return {
    v: 'countersign.action.v1',
    tenant: 'acme',
    action_id: '01JDA5C8000000000000000001',
    nonce: 'q83vEjRWeJCrze8SNFZ4kA',
    type,
    type_version: 1,
    agent: {
      id: 'agent:billing-fixer/42',
      key_thumbprint: digest('11'),
      model: 'example-model 4',
      build: digest('22'),
    },
    acting_for: [
      { sub: 'prs_01JDA5C8000000000000000002', kind: 'person', grant_digest: digest('33') },
      { sub: 'svc:billing', kind: 'service' },
    ],
    executor: { id: 'executor:local', audience: 'local', descriptor_digest: digest('44') },
    params,
    preconditions: names.map((name) => ({ name, digest: digest('55') })),
    not_after: '2026-11-22T16:30:00.000Z',
    max_uses: 1,
    parent_digest: digest('66'),
  };
}

export function action(json: JsonObject): Action {
  return parseAction(canonicalBytes(json));
}

export function command(params: JsonObject = {}): Action {
  return action(envelope('generic.command', { ...COMMAND_PARAMS, ...params }));
}

export function policyChange(params: JsonObject): Action {
  return action(envelope('iam.policy.change', { ...POLICY_PARAMS, ...params }));
}

/** The code of what a function throws: of this package's error or of the gate's. */
export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  }
  return 'accepted';
}
