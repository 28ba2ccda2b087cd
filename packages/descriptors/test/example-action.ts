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

export const PAYMENT_PARAMS: JsonObject = {
  rail: 'sepa-sct',
  debtor_account: 'DE89370400440532013000',
  creditor: {
    name: 'Nordlicht Werkzeugbau GmbH',
    account: 'AT611904300234573201',
    bic: 'BKAUATWW',
    country: 'AT',
    lei: '529900T8BM49AURSDO55',
    record_id: 'V-1042',
    record_changed_at: '2026-11-21T08:12:00.000Z',
  },
  amount: { amount: '18250.40', currency: 'EUR' },
  execution_date: '2026-11-23',
  uetr: '97ed4827-7b6f-4491-a06f-b548d5a7512d',
  charge_bearer: 'SLEV',
  purpose_code: 'SUPP',
  remittance: 'Invoice 2026-0412',
  invoice: {
    number: '2026-0412',
    document_digest: digest('b1'),
    amount: { amount: '18250.40', currency: 'EUR' },
  },
  payee_check: {
    result: 'CLOSE_MATCH',
    checked_at: '2026-11-22T15:59:00.000Z',
    name_on_account: 'Nordlicht Werkzeuge GmbH',
    evidence_digest: digest('b2'),
  },
  policy_exception: {
    rule: 'ap.bank-details-changed.7d',
    policy_digest: digest('b3'),
    reason_code: 'bank-details-changed',
    explanation: 'IBAN changed two days ago; the supplier confirmed by call-back',
  },
};

export const ROTATION_PARAMS: JsonObject = {
  key: {
    kind: 'aws-iam-access-key',
    user_arn: 'arn:aws:iam::111122223333:user/service/deploy-bot',
    access_key_id: 'AKIAIOSFODNN7EXAMPLE',
  },
  new_material: {
    consumer: 'spiffe://example.org/ci/deploy-bot',
    key_thumbprint: digest('c1'),
  },
  old_key_action: 'disable',
  overlap_seconds: 900,
  consumers: [
    { id: 'an old notebook', last_seen: '2026-10-30T11:30:00.000Z', verified: false },
    { id: 'svc:ledger-signer', last_seen: '2026-11-22T16:00:00.000Z', verified: true },
    { id: 'the cron job on build-7', last_seen: '2026-11-20T02:00:00.000Z', verified: false },
  ],
  rollback: 'Enable the old key again',
  job_id: 'rot-9917',
};

export const PASSWORD_PARAMS: JsonObject = {
  ...ROTATION_PARAMS,
  key: {
    kind: 'postgresql-role-password',
    cluster_id: '7439817203948127345',
    role_oid: 16385,
    role_name: 'billing_writer',
  },
  old_key_action: 'revoke',
  overlap_seconds: 0,
};

export const SECRET_PARAMS: JsonObject = {
  manager: { kind: 'aws-secretsmanager' },
  secret_ref: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/billing/db-AbCdEf',
  secret_version: '7d3f1c9e-0a4b-4f0e-9c57-2f6d8f1b2a34',
  fields: ['username', 'password'],
  operation: 'read',
  delivery: 'response-wrapped',
  lease_seconds: 900,
  consumer: {
    workload_id: 'spiffe://example.org/agent/billing-fixer/42',
    key_thumbprint: digest('c2'),
    environment: 'prod',
  },
  purpose_ref: 'INC-4711',
};

export const INSTANCE_PARAMS: JsonObject = {
  incident: { system: 'siem', id: 'INC-2026-118', severity: 'high' },
  action: 'isolate-host',
  target: {
    kind: 'cloud-instance',
    id: 'i-0123456789abcdef0',
    account: '111122223333',
    region: 'eu-west-1',
    display: 'HAM-ERP-02',
    groups_before: ['sg-0aaaaaaaaaaaaaaa1', 'sg-0aaaaaaaaaaaaaaa2'],
    groups_after: ['sg-0ffffffffffffffff'],
    owner: 'Finance IT',
    criticality: 'crown-jewel',
    last_seen: '2026-11-22T16:20:00.000Z',
  },
  evidence: [{ source: 'edr', ref: 'detection:ldt:9981', digest: digest('d1') }],
  impact: { sessions_cut: 14, services: ['erp-print'], on_shift_contact: '+49 40 000' },
};

export const HOST_PARAMS: JsonObject = {
  ...INSTANCE_PARAMS,
  target: {
    kind: 'host',
    machine_id: '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
    boot_id: '3b1a5c7e-9d2f-4a61-8c3e-5f7091b2d3e4',
    netns_inode: 4026532281,
    display: 'plant-7',
    owner: 'Plant operations',
    criticality: 'safety',
    last_seen: '2026-11-22T16:20:00.000Z',
  },
};

const PRECONDITIONS: ReadonlyMap<string, readonly string[]> = new Map([
  ['iam.policy.change', ['policy.before', 'policy.version', 'attachments']],
  ['key.rotate', ['key.state', 'consumers.snapshot']],
  ['response.contain', ['device.record', 'incident.state']],
  ['secret.access', ['secret.metadata']],
  ['payment.transfer', ['payee.record', 'invoice']],
]);

/** Every optional member is there, so that a property over all members meets each of them. */
export function envelope(type: string, params: JsonObject): JsonObject {
  const names = PRECONDITIONS.get(type) ?? [];
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
