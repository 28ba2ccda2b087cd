import type { Json, JsonObject } from '@countersign/canonical';

/** What a command is, in each type that runs one. */
export const COMMAND_REQUIRED: readonly Json[] = [
  'argv',
  'cwd',
  'executable',
  'env',
  'secret_env',
  'stdin',
  'timeout_s',
];

export const COMMAND_PROPERTIES: JsonObject = {
  argv: {
    type: 'array',
    minItems: 1,
    maxItems: 256,
    items: { type: 'string', format: 'display-text', maxLength: 8192 },
  },
  cwd: { type: 'string', format: 'absolute-path', maxLength: 1024 },
  executable: {
    type: 'object',
    additionalProperties: false,
    required: ['path', 'digest'],
    properties: {
      path: { type: 'string', format: 'absolute-path', maxLength: 1024 },
      digest: { type: 'string', format: 'sha256' },
    },
  },
  interpreter: {
    type: 'object',
    additionalProperties: false,
    required: ['path', 'digest'],
    properties: {
      path: { type: 'string', format: 'absolute-path', maxLength: 1024 },
      digest: { type: 'string', format: 'sha256' },
    },
  },
  env: {
    type: 'array',
    maxItems: 128,
    'x-sorted-by': 'name',
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['name', 'value'],
      properties: {
        name: { type: 'string', format: 'env-name', maxLength: 128 },
        value: { type: 'string', format: 'display-text', maxLength: 8192 },
      },
    },
  },
  secret_env: {
    type: 'array',
    maxItems: 32,
    'x-sorted-by': 'name',
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['name', 'digest'],
      properties: {
        name: { type: 'string', format: 'env-name', maxLength: 128 },
        digest: { type: 'string', format: 'sha256' },
      },
    },
  },
  stdin: {
    oneOf: [
      {
        type: 'object',
        additionalProperties: false,
        required: ['kind'],
        properties: { kind: { const: 'empty' } },
      },
      {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'digest', 'bytes'],
        properties: {
          kind: { const: 'digest' },
          digest: { type: 'string', format: 'sha256' },
          bytes: { type: 'integer', minimum: 1, maximum: 1073741824 },
        },
      },
    ],
  },
  timeout_s: { type: 'integer', minimum: 1, maximum: 86400 },
  purpose: { type: 'string', format: 'display-text', minLength: 1, maxLength: 500 },
};

export const COMMAND_FIELDS: JsonObject = {
  '/params/argv/*': { class: 'executed' },
  '/params/cwd': { class: 'executed' },
  '/params/executable/path': { class: 'executed' },
  '/params/executable/digest': { class: 'executed' },
  '/params/interpreter/path': { class: 'executed' },
  '/params/interpreter/digest': { class: 'executed' },
  '/params/env/*/name': { class: 'executed' },
  '/params/env/*/value': { class: 'executed' },
  '/params/secret_env/*/name': { class: 'executed' },
  '/params/secret_env/*/digest': { class: 'executed' },
  '/params/stdin/kind': { class: 'executed' },
  '/params/stdin/digest': { class: 'executed' },
  '/params/stdin/bytes': { class: 'executed' },
  '/params/timeout_s': { class: 'executed' },
  '/params/purpose': { class: 'claimed' },
};

export const COMMAND_LINES: readonly Json[] = [
  { label: 'Program', text: [{ field: '/params/executable/path' }] },
  { label: 'Digest of the program', text: [{ field: '/params/executable/digest' }] },
  {
    label: 'Argument {n}',
    each: '/params/argv',
    empty: 'none',
    text: [{ field: '/params/argv/*', form: 'quoted' }],
  },
  {
    label: 'Interpreter',
    text: [{ field: '/params/interpreter/path' }],
    absent: 'none: the program is run by the system itself',
  },
  { label: 'Digest of the interpreter', text: [{ field: '/params/interpreter/digest' }] },
  { label: 'Working directory', text: [{ field: '/params/cwd' }] },
  { computed: 'command-environment' },
  {
    label: 'Variable {n}',
    each: '/params/env',
    empty: 'none',
    text: [
      { field: '/params/env/*/name' },
      ' = ',
      { field: '/params/env/*/value', form: 'quoted' },
    ],
  },
  {
    label: 'Secret variable {n}',
    each: '/params/secret_env',
    empty: 'none',
    text: [
      { field: '/params/secret_env/*/name' },
      ' = a value that stays hidden, with the salted digest ',
      { field: '/params/secret_env/*/digest' },
    ],
  },
  {
    label: 'Standard input',
    when: { field: '/params/stdin/kind', is: 'empty' },
    text: ['empty'],
  },
  {
    label: 'Standard input',
    when: { field: '/params/stdin/kind', is: 'digest' },
    text: [
      { field: '/params/stdin/bytes' },
      ' bytes with the digest ',
      { field: '/params/stdin/digest' },
    ],
  },
  { label: 'Stopped after', text: [{ field: '/params/timeout_s' }, ' seconds'] },
];

export const COMMAND_CLAIMS: readonly Json[] = [
  { label: 'Purpose', text: [{ field: '/params/purpose' }], absent: 'not given' },
];

export const COMMAND_NOT_COVERED: readonly Json[] = [
  'What an interpreter other than the one named above does with the program.',
  'Libraries and further programs that the program loads, sources or starts.',
  'Files that the program reads, and what they hold when it runs.',
  'The network, and everything that the program hears from it.',
  'The content of standard input and of secret variables: only their digests are shown.',
];

export const COMMAND_CONTRACT: JsonObject = {
  interface: 'countersign.executor.command.v1',
  preconditions: [],
  record: 'The short id of the use, in the variable COUNTERSIGN_USE and in the execution report',
};

/** The same document as schemas/json/generic.command.v1.json, because this package reads no files. */
export const GENERIC_COMMAND: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'generic.command',
  type_version: 1,
  title: 'Run a command',
  reversibility: 'irreversible',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: COMMAND_REQUIRED,
    properties: COMMAND_PROPERTIES,
  },
  fields: COMMAND_FIELDS,
  template: COMMAND_LINES,
  claims: COMMAND_CLAIMS,
  not_covered: COMMAND_NOT_COVERED,
  executor_contract: COMMAND_CONTRACT,
};
