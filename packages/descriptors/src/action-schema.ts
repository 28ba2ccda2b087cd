import type { JsonObject } from '@countersign/canonical';

/** The same document as schemas/json/action.v1.json, because this package reads no files. */
export const ACTION_SCHEMA: JsonObject = {
  type: 'object',
  additionalProperties: false,
  required: [
    'v',
    'tenant',
    'action_id',
    'nonce',
    'type',
    'type_version',
    'agent',
    'acting_for',
    'executor',
    'params',
    'preconditions',
    'not_after',
    'max_uses',
  ],
  properties: {
    v: { const: 'countersign.action.v1' },
    tenant: { type: 'string', format: 'tenant' },
    action_id: { type: 'string', format: 'ulid' },
    nonce: { type: 'string', format: 'nonce' },
    type: { type: 'string', format: 'type-name' },
    type_version: { type: 'integer', minimum: 1, maximum: 9999 },
    agent: {
      type: 'object',
      additionalProperties: false,
      required: ['id', 'key_thumbprint'],
      properties: {
        id: { type: 'string', format: 'identifier', maxLength: 200 },
        key_thumbprint: { type: 'string', format: 'sha256' },
        model: { type: 'string', format: 'display-text', minLength: 1, maxLength: 120 },
        build: { type: 'string', format: 'sha256' },
      },
    },
    acting_for: {
      type: 'array',
      maxItems: 4,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['sub', 'kind'],
        properties: {
          sub: { type: 'string', format: 'identifier', maxLength: 200 },
          kind: { enum: ['person', 'service'] },
          grant_digest: { type: 'string', format: 'sha256' },
        },
      },
    },
    executor: {
      type: 'object',
      additionalProperties: false,
      required: ['id', 'audience', 'descriptor_digest'],
      properties: {
        id: { type: 'string', format: 'identifier', maxLength: 200 },
        audience: { type: 'string', format: 'identifier', maxLength: 200 },
        descriptor_digest: { type: 'string', format: 'sha256' },
      },
    },
    params: { type: 'object', format: 'json-document' },
    preconditions: {
      type: 'array',
      maxItems: 8,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'digest'],
        properties: {
          name: { type: 'string', format: 'precondition-name' },
          digest: { type: 'string', format: 'sha256' },
        },
      },
    },
    not_after: { type: 'string', format: 'timestamp' },
    max_uses: { type: 'integer', minimum: 1, maximum: 100 },
    delegation: {
      type: 'array',
      minItems: 1,
      maxItems: 32,
      items: { type: 'string', format: 'identifier', maxLength: 8192 },
    },
    parent_digest: { type: 'string', format: 'sha256' },
  },
};
