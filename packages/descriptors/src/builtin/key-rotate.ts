import type { JsonObject } from '@countersign/canonical';

/** The same document as schemas/json/key.rotate.v1.json, because this package reads no files. */
export const KEY_ROTATE: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'key.rotate',
  type_version: 1,
  title: 'Replace a key',
  reversibility: 'irreversible',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['key', 'new_material', 'old_key_action', 'overlap_seconds', 'consumers'],
    properties: {
      key: {
        oneOf: [
          {
            type: 'object',
            additionalProperties: false,
            required: ['kind', 'user_arn', 'access_key_id'],
            properties: {
              kind: { const: 'aws-iam-access-key' },
              user_arn: { type: 'string', format: 'iam-user', maxLength: 512 },
              access_key_id: { type: 'string', format: 'aws-access-key' },
            },
          },
          {
            type: 'object',
            additionalProperties: false,
            required: ['kind', 'cluster_id', 'role_oid', 'role_name'],
            properties: {
              kind: { const: 'postgresql-role-password' },
              cluster_id: { type: 'string', format: 'postgres-cluster' },
              role_oid: { type: 'integer', minimum: 1, maximum: 4294967295 },
              role_name: { type: 'string', format: 'identifier', maxLength: 63 },
            },
          },
        ],
      },
      new_material: {
        type: 'object',
        additionalProperties: false,
        required: ['consumer', 'key_thumbprint'],
        properties: {
          consumer: { type: 'string', format: 'workload', maxLength: 512 },
          key_thumbprint: { type: 'string', format: 'sha256' },
        },
      },
      old_key_action: { enum: ['keep', 'disable', 'revoke'] },
      overlap_seconds: { type: 'integer', minimum: 0, maximum: 3600 },
      consumers: {
        type: 'array',
        maxItems: 200,
        'x-sorted-by': 'id',
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['id', 'last_seen', 'verified'],
          properties: {
            id: { type: 'string', format: 'display-text', minLength: 1, maxLength: 300 },
            last_seen: { type: 'string', format: 'timestamp' },
            verified: { type: 'boolean' },
          },
        },
      },
      rollback: { type: 'string', format: 'display-text', minLength: 1, maxLength: 300 },
      job_id: { type: 'string', format: 'identifier', maxLength: 128 },
    },
  },
  fields: {
    '/params/key/kind': { class: 'executed' },
    '/params/key/user_arn': { class: 'executed' },
    '/params/key/access_key_id': { class: 'precondition', precondition: 'key.state' },
    '/params/key/cluster_id': { class: 'precondition', precondition: 'key.state' },
    '/params/key/role_oid': { class: 'precondition', precondition: 'key.state' },
    '/params/key/role_name': { class: 'executed' },
    '/params/new_material/consumer': { class: 'executed' },
    '/params/new_material/key_thumbprint': { class: 'executed' },
    '/params/old_key_action': { class: 'executed' },
    '/params/overlap_seconds': { class: 'executed' },
    '/params/consumers/*/id': { class: 'claimed' },
    '/params/consumers/*/last_seen': { class: 'claimed' },
    '/params/consumers/*/verified': { class: 'claimed' },
    '/params/rollback': { class: 'claimed' },
    '/params/job_id': { class: 'executed' },
  },
  template: [
    {
      label: 'Replaces',
      when: { field: '/params/key/kind', is: 'aws-iam-access-key' },
      text: ['an access key of an IAM user, by one that AWS makes'],
    },
    {
      label: 'Replaces',
      when: { field: '/params/key/kind', is: 'postgresql-role-password' },
      text: ['the password of a PostgreSQL role, by one that the executor makes'],
    },
    { label: 'User', text: [{ field: '/params/key/user_arn' }] },
    { label: 'Access key', text: [{ field: '/params/key/access_key_id' }] },
    {
      label: 'Role',
      text: [{ field: '/params/key/role_name' }, ', number ', { field: '/params/key/role_oid' }],
    },
    { label: 'Database cluster', text: [{ field: '/params/key/cluster_id' }] },
    { computed: 'key-rotation' },
    { label: 'The new one is given to', text: [{ field: '/params/new_material/consumer' }] },
    {
      label: 'Sealed to the key',
      text: [
        { field: '/params/new_material/key_thumbprint' },
        ': whoever holds it can read the new one',
      ],
    },
    { label: 'Job', absent: 'none', text: [{ field: '/params/job_id' }] },
  ],
  claims: [
    { computed: 'key-consumers' },
    { label: 'Way back', absent: 'not given', text: [{ field: '/params/rollback' }] },
  ],
  not_covered: [
    'Users of the old key whom the agent does not know: they are cut off unseen.',
    'Who holds the private key that belongs to the thumbprint: compare it with its holder by another way.',
    'Whether the new key is put to use: that is done by others, with what they are given here.',
    'What was done with the old key until then, and sessions that it has opened.',
  ],
  executor_contract: {
    interface: 'countersign.executor.key-rotation.v1',
    preconditions: ['key.state'],
    optional_preconditions: ['consumers.snapshot'],
    record:
      'The short id of the use, in the role session name in the audit log of the account, or in the application name of the session of the database',
  },
};
