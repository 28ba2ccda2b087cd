import type { JsonObject } from '@countersign/canonical';

/** The same document as schemas/json/iam.policy.change.v1.json, because this package reads no files. */
export const IAM_POLICY_CHANGE: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'iam.policy.change',
  type_version: 1,
  title: 'Change an access policy',
  reversibility: 'externally-reversible',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['provider', 'account', 'target', 'before', 'after'],
    properties: {
      provider: { enum: ['aws'] },
      account: { type: 'string', format: 'aws-account' },
      target: {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'ref'],
        properties: {
          kind: {
            enum: ['managed-policy', 'inline-policy', 'trust-policy', 'resource-policy', 'scp'],
          },
          ref: { type: 'string', format: 'arn', maxLength: 512 },
          policy_name: { type: 'string', format: 'identifier', minLength: 1, maxLength: 128 },
          current_version: { type: 'string', format: 'version-id', minLength: 1, maxLength: 64 },
          attached_principals: {
            type: 'array',
            maxItems: 500,
            uniqueItems: true,
            items: { type: 'string', format: 'arn', maxLength: 512 },
          },
        },
      },
      before: { type: 'string', format: 'display-text', minLength: 2, maxLength: 12288 },
      after: { type: 'string', format: 'display-text', minLength: 2, maxLength: 12288 },
      change_ref: { type: 'string', format: 'display-text', minLength: 1, maxLength: 200 },
      rollback_version: { type: 'string', format: 'version-id', minLength: 1, maxLength: 64 },
    },
  },
  fields: {
    '/params/provider': { class: 'executed' },
    '/params/account': { class: 'executed' },
    '/params/target/kind': { class: 'executed' },
    '/params/target/ref': { class: 'executed' },
    '/params/target/policy_name': { class: 'executed' },
    '/params/target/current_version': { class: 'precondition', precondition: 'policy.version' },
    '/params/target/attached_principals/*': { class: 'precondition', precondition: 'attachments' },
    '/params/before': { class: 'precondition', precondition: 'policy.before' },
    '/params/after': { class: 'executed' },
    '/params/change_ref': { class: 'claimed' },
    '/params/rollback_version': { class: 'claimed' },
  },
  template: [
    {
      label: 'Changes',
      when: { field: '/params/target/kind', is: 'managed-policy' },
      text: ['a managed policy'],
    },
    {
      label: 'Changes',
      when: { field: '/params/target/kind', is: 'inline-policy' },
      text: ['an inline policy'],
    },
    {
      label: 'Changes',
      when: { field: '/params/target/kind', is: 'trust-policy' },
      text: ['a trust policy: who may take on the role'],
    },
    {
      label: 'Changes',
      when: { field: '/params/target/kind', is: 'resource-policy' },
      text: ['a policy of a resource'],
    },
    {
      label: 'Changes',
      when: { field: '/params/target/kind', is: 'scp' },
      text: ['a service control policy of the organization'],
    },
    { label: 'Target', text: [{ field: '/params/target/ref' }] },
    { label: 'Name of the inline policy', text: [{ field: '/params/target/policy_name' }] },
    {
      label: 'Version to replace',
      absent: 'not stated',
      text: [{ field: '/params/target/current_version' }],
    },
    {
      label: 'Attached to {n}',
      each: '/params/target/attached_principals',
      empty: 'nobody',
      absent: 'not stated',
      text: [{ field: '/params/target/attached_principals/*' }],
    },
    { label: 'Account', text: [{ field: '/params/account' }] },
    { label: 'Provider', text: [{ field: '/params/provider' }] },
    { computed: 'iam-policy-delta' },
  ],
  claims: [
    { label: 'Change reference', absent: 'not given', text: [{ field: '/params/change_ref' }] },
    {
      label: 'Version to roll back to',
      absent: 'not given',
      text: [{ field: '/params/rollback_version' }],
    },
  ],
  not_covered: [
    'Whether what one entry no longer allows is still allowed by another: entries are compared one by one.',
    'Other policies that bind the same principals: permission boundaries, session policies, policies of the organization and of resources.',
    'Principals who are attached to the policy after this approval.',
    'What a wildcard, a condition, a policy variable or a Not element comes to match later.',
    'What somebody has done with a new permission before it is taken back.',
  ],
  executor_contract: {
    interface: 'countersign.executor.iam-policy.v1',
    preconditions: ['policy.before'],
    optional_preconditions: ['policy.version', 'attachments'],
    record:
      'Tag countersign-use on the policy, and the role session name in the audit log of the account',
  },
};
