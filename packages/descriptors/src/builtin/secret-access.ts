import type { JsonObject } from '@countersign/canonical';

/** The same document as schemas/json/secret.access.v1.json, because this package reads no files. */
export const SECRET_ACCESS_TYPE: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'secret.access',
  type_version: 1,
  title: 'Give out a secret',
  reversibility: 'externally-reversible',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: [
      'manager',
      'secret_ref',
      'secret_version',
      'operation',
      'delivery',
      'lease_seconds',
      'consumer',
    ],
    properties: {
      manager: {
        type: 'object',
        additionalProperties: false,
        required: ['kind'],
        properties: { kind: { enum: ['aws-secretsmanager'] } },
      },
      secret_ref: { type: 'string', format: 'aws-secret', maxLength: 640 },
      secret_version: { type: 'string', format: 'version-id', minLength: 32, maxLength: 64 },
      fields: {
        type: 'array',
        minItems: 1,
        maxItems: 32,
        uniqueItems: true,
        items: { type: 'string', format: 'identifier', maxLength: 128 },
      },
      operation: { enum: ['read'] },
      delivery: { enum: ['response-wrapped'] },
      lease_seconds: { type: 'integer', minimum: 30, maximum: 14400 },
      consumer: {
        type: 'object',
        additionalProperties: false,
        required: ['workload_id', 'key_thumbprint', 'environment'],
        properties: {
          workload_id: { type: 'string', format: 'workload', maxLength: 512 },
          key_thumbprint: { type: 'string', format: 'sha256' },
          environment: { enum: ['dev', 'staging', 'prod'] },
        },
      },
      purpose_ref: { type: 'string', format: 'display-text', minLength: 1, maxLength: 200 },
    },
  },
  fields: {
    '/params/manager/kind': { class: 'executed' },
    '/params/secret_ref': { class: 'executed' },
    '/params/secret_version': { class: 'executed' },
    '/params/fields/*': { class: 'executed' },
    '/params/operation': { class: 'executed' },
    '/params/delivery': { class: 'executed' },
    '/params/lease_seconds': { class: 'executed' },
    '/params/consumer/workload_id': { class: 'executed' },
    '/params/consumer/key_thumbprint': { class: 'executed' },
    '/params/consumer/environment': { class: 'claimed' },
    '/params/purpose_ref': { class: 'claimed' },
  },
  template: [
    { computed: 'secret-access' },
    { label: 'Version', text: [{ field: '/params/secret_version' }, ', and no other'] },
    {
      label: 'Field {n}',
      each: '/params/fields',
      empty: 'none',
      absent: 'ALL of them: the whole value of the secret',
      text: [{ field: '/params/fields/*' }],
    },
    { label: 'Given to', text: [{ field: '/params/consumer/workload_id' }] },
    {
      label: 'Sealed to the key',
      when: { field: '/params/delivery', is: 'response-wrapped' },
      text: [{ field: '/params/consumer/key_thumbprint' }, ': whoever holds it can read the value'],
    },
    {
      label: 'Can be fetched for',
      text: [{ field: '/params/lease_seconds' }, ' seconds after it was read'],
    },
    {
      label: 'How',
      when: { field: '/params/operation', is: 'read' },
      text: ['the value is read, and nothing is changed'],
    },
    {
      label: 'Kept in',
      when: { field: '/params/manager/kind', is: 'aws-secretsmanager' },
      text: ['AWS Secrets Manager'],
    },
  ],
  claims: [
    { label: 'Environment', text: [{ field: '/params/consumer/environment' }] },
    { label: 'Purpose', absent: 'not given', text: [{ field: '/params/purpose_ref' }] },
  ],
  not_covered: [
    'Who holds the private key that belongs to the thumbprint: compare it with its holder by another way.',
    'What the workload does with the value, and to whom it passes it on.',
    'What the secret opens: only its name is shown.',
    'Others who may read the same secret without asking.',
  ],
  executor_contract: {
    interface: 'countersign.executor.secret.v1',
    preconditions: [],
    optional_preconditions: ['secret.metadata', 'workload.identity'],
    record:
      'The short id of the use, in the role session name of GetSecretValue in the audit log of the account',
  },
};
