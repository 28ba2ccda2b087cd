import type { JsonObject } from '@countersign/canonical';

/** The same document as schemas/json/generic.tool_call.v1.json, because this package reads no files. */
export const GENERIC_TOOL_CALL: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'generic.tool_call',
  type_version: 1,
  title: 'Call a tool',
  reversibility: 'irreversible',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['server', 'tool', 'arguments'],
    properties: {
      server: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'version', 'origin'],
        properties: {
          name: { type: 'string', format: 'display-text', minLength: 1, maxLength: 200 },
          version: { type: 'string', format: 'version-id', minLength: 1, maxLength: 64 },
          origin: {
            oneOf: [
              {
                type: 'object',
                additionalProperties: false,
                required: ['kind', 'digest'],
                properties: {
                  kind: { const: 'launch' },
                  digest: { type: 'string', format: 'sha256' },
                },
              },
              {
                type: 'object',
                additionalProperties: false,
                required: ['kind', 'url'],
                properties: {
                  kind: { const: 'url' },
                  url: { type: 'string', format: 'url', maxLength: 1000 },
                },
              },
            ],
          },
        },
      },
      tool: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'descriptor_digest'],
        properties: {
          name: { type: 'string', format: 'identifier', maxLength: 128 },
          descriptor_digest: { type: 'string', format: 'sha256' },
        },
      },
      arguments: { type: 'string', format: 'display-text', minLength: 2, maxLength: 16384 },
      purpose: { type: 'string', format: 'display-text', minLength: 1, maxLength: 500 },
    },
  },
  fields: {
    '/params/server/name': { class: 'executed' },
    '/params/server/version': { class: 'executed' },
    '/params/server/origin/kind': { class: 'executed' },
    '/params/server/origin/digest': { class: 'executed' },
    '/params/server/origin/url': { class: 'executed' },
    '/params/tool/name': { class: 'executed' },
    '/params/tool/descriptor_digest': { class: 'executed' },
    '/params/arguments': { class: 'executed' },
    '/params/purpose': { class: 'claimed' },
  },
  template: [
    { label: 'Tool', text: [{ field: '/params/tool/name' }] },
    {
      label: 'Server',
      text: [
        { field: '/params/server/name', form: 'quoted' },
        ', version ',
        { field: '/params/server/version' },
      ],
    },
    {
      label: 'Server is',
      when: { field: '/params/server/origin/kind', is: 'launch' },
      text: ['started as the program with the digest ', { field: '/params/server/origin/digest' }],
    },
    {
      label: 'Server is',
      when: { field: '/params/server/origin/kind', is: 'url' },
      text: ['whoever answers at ', { field: '/params/server/origin/url' }],
    },
    { computed: 'tool-call' },
    {
      label: 'Digest of the description of the tool',
      text: [{ field: '/params/tool/descriptor_digest' }],
    },
  ],
  claims: [{ label: 'Purpose', absent: 'not given', text: [{ field: '/params/purpose' }] }],
  not_covered: [
    'What the tool does: nothing is known of it but its name, the digest of its description, and the arguments above.',
    'The name and the version of the server, which it says of itself.',
    'What the server is allowed to do with the rights, the files and the secrets that it has.',
    'What the tool answers, and what the agent does then.',
    'What changes behind the address of a server that is not started by the executor itself.',
  ],
  executor_contract: {
    interface: 'countersign.executor.tool-call.v1',
    preconditions: [],
    record:
      'The short id of the use, in the member _meta of the call as countersign.dev/use, and in the execution report',
  },
};
