import type { JsonObject } from '@countersign/canonical';
import { changeSchema, LEDGER_CONTRACT } from './authority-parts.ts';

/** The same document as schemas/json/authority.change.v1.json, because this package reads no files. */
export const AUTHORITY_CHANGE: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'authority.change',
  type_version: 1,
  title: 'Change who may act and decide',
  reversibility: 'externally-reversible',
  schema: changeSchema({
    oneOf: [
      {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'person', 'class', 'invitation'],
        properties: {
          kind: { const: 'person-invited' },
          person: { type: 'string', format: 'identifier', maxLength: 64 },
          class: { enum: ['natural', 'role', 'machine'] },
          invitation: {
            type: 'object',
            additionalProperties: false,
            required: ['id', 'public_key', 'not_after'],
            properties: {
              id: { type: 'string', format: 'sha256' },
              public_key: {
                type: 'string',
                format: 'base64url',
                minLength: 122,
                maxLength: 122,
              },
              not_after: { type: 'string', format: 'timestamp' },
            },
          },
        },
      },
      {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'credential_id'],
        properties: {
          kind: { const: 'credential-revoked' },
          credential_id: { type: 'string', format: 'base64url', minLength: 2, maxLength: 1400 },
        },
      },
      {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'agent'],
        properties: {
          kind: { const: 'agent-enrolled' },
          agent: {
            type: 'object',
            additionalProperties: false,
            required: ['id', 'public_key', 'owner', 'operator'],
            properties: {
              id: { type: 'string', format: 'identifier', maxLength: 200 },
              public_key: { type: 'string', format: 'base64url', minLength: 59, maxLength: 59 },
              owner: { type: 'string', format: 'identifier', maxLength: 64 },
              person: { type: 'string', format: 'identifier', maxLength: 64 },
              operator: { type: 'boolean' },
            },
          },
        },
      },
      {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'id'],
        properties: {
          kind: { const: 'agent-revoked' },
          id: { type: 'string', format: 'identifier', maxLength: 200 },
        },
      },
      {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'executor'],
        properties: {
          kind: { const: 'executor-enrolled' },
          executor: {
            type: 'object',
            additionalProperties: false,
            required: ['id', 'public_key', 'audiences', 'interface_digest'],
            properties: {
              id: { type: 'string', format: 'identifier', maxLength: 200 },
              public_key: { type: 'string', format: 'base64url', minLength: 59, maxLength: 59 },
              audiences: {
                type: 'array',
                minItems: 1,
                maxItems: 16,
                uniqueItems: true,
                items: { type: 'string', format: 'identifier', maxLength: 200 },
              },
              interface_digest: { type: 'string', format: 'sha256' },
            },
          },
        },
      },
      {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'id'],
        properties: {
          kind: { const: 'executor-revoked' },
          id: { type: 'string', format: 'identifier', maxLength: 200 },
        },
      },
      {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'policy'],
        properties: {
          kind: { const: 'policy-set' },
          policy: { type: 'object', format: 'json-document' },
        },
      },
      {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'type', 'type_version', 'digest'],
        properties: {
          kind: { const: 'descriptor-enrolled' },
          type: { type: 'string', format: 'type-name' },
          type_version: { type: 'integer', minimum: 1, maximum: 9999 },
          digest: { type: 'string', format: 'sha256' },
        },
      },
    ],
  }),
  fields: {
    '/params/change/kind': { class: 'executed' },
    '/params/change/person': { class: 'executed' },
    '/params/change/class': { class: 'executed' },
    '/params/change/invitation/id': { class: 'executed' },
    '/params/change/invitation/public_key': { class: 'executed' },
    '/params/change/invitation/not_after': { class: 'executed' },
    '/params/change/credential_id': { class: 'executed' },
    '/params/change/agent/id': { class: 'executed' },
    '/params/change/agent/public_key': { class: 'executed' },
    '/params/change/agent/owner': { class: 'executed' },
    '/params/change/agent/person': { class: 'executed' },
    '/params/change/agent/operator': { class: 'executed' },
    '/params/change/id': { class: 'executed' },
    '/params/change/executor/id': { class: 'executed' },
    '/params/change/executor/public_key': { class: 'executed' },
    '/params/change/executor/audiences/*': { class: 'executed' },
    '/params/change/executor/interface_digest': { class: 'executed' },
    '/params/change/policy': { class: 'executed' },
    '/params/change/type': { class: 'executed' },
    '/params/change/type_version': { class: 'executed' },
    '/params/change/digest': { class: 'executed' },
    '/params/note': { class: 'claimed' },
  },
  template: [
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'person-invited' },
      text: ['invite a person'],
    },
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'credential-revoked' },
      text: ['revoke a credential'],
    },
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'agent-enrolled' },
      text: ['enrol an agent'],
    },
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'agent-revoked' },
      text: ['revoke an agent'],
    },
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'executor-enrolled' },
      text: ['enrol an executor'],
    },
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'executor-revoked' },
      text: ['revoke an executor'],
    },
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'policy-set' },
      text: ['replace the policy of the tenant'],
    },
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'descriptor-enrolled' },
      text: ['enrol an action type'],
    },
    { label: 'Person', text: [{ field: '/params/change/person' }] },
    {
      label: 'Class',
      when: { field: '/params/change/class', is: 'natural' },
      text: ['a natural person, who can decide'],
    },
    {
      label: 'Class',
      when: { field: '/params/change/class', is: 'role' },
      text: ['a role, which can never decide'],
    },
    {
      label: 'Class',
      when: { field: '/params/change/class', is: 'machine' },
      text: ['a machine, which can never decide'],
    },
    { label: 'Invitation', text: [{ field: '/params/change/invitation/id' }] },
    { label: 'Key of the invitation', text: [{ field: '/params/change/invitation/public_key' }] },
    {
      label: 'Invitation ends',
      text: [{ field: '/params/change/invitation/not_after' }, ' (UTC)'],
    },
    { label: 'Credential', text: [{ field: '/params/change/credential_id' }] },
    { label: 'Agent', text: [{ field: '/params/change/agent/id' }] },
    { label: 'Key of the agent to enrol', text: [{ field: '/params/change/agent/public_key' }] },
    { label: 'Owner of the agent', text: [{ field: '/params/change/agent/owner' }] },
    { label: 'Tool of the person', text: [{ field: '/params/change/agent/person' }] },
    {
      label: 'Operator',
      when: { field: '/params/change/agent/operator', is: true },
      text: ['yes: it may run the ledger, and ask for the erasure of content'],
    },
    {
      label: 'Operator',
      when: { field: '/params/change/agent/operator', is: false },
      text: ['no'],
    },
    { label: 'Id to revoke', text: [{ field: '/params/change/id' }] },
    { label: 'Executor', text: [{ field: '/params/change/executor/id' }] },
    { label: 'Key of the executor', text: [{ field: '/params/change/executor/public_key' }] },
    {
      label: 'Audience of the executor {n}',
      each: '/params/change/executor/audiences',
      empty: 'none',
      text: [{ field: '/params/change/executor/audiences/*' }],
    },
    {
      label: 'Interface of the executor to enrol',
      text: [{ field: '/params/change/executor/interface_digest' }],
    },
    { label: 'New policy', text: [{ field: '/params/change/policy', form: 'document' }] },
    {
      label: 'Action type',
      text: [{ field: '/params/change/type' }, ' v', { field: '/params/change/type_version' }],
    },
    { label: 'Digest of its descriptor', text: [{ field: '/params/change/digest' }] },
  ],
  claims: [{ label: 'Note', absent: 'not given', text: [{ field: '/params/note' }] }],
  not_covered: [
    'Who holds the private key that belongs to a public key: compare the key with its holder by another way.',
    'What an agent or an executor enrolled here will ask for or run.',
    'The document of an action type: only its digest is shown.',
  ],
  executor_contract: LEDGER_CONTRACT,
};
