import type { JsonObject } from '@countersign/canonical';
import { changeSchema, LEDGER_CONTRACT } from './authority-parts.ts';

/** The same document as schemas/json/authority.home.v1.json, because this package reads no files. */
export const AUTHORITY_HOME: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'authority.home',
  type_version: 1,
  title: 'Move the ledger to another shard',
  reversibility: 'irreversible',
  schema: changeSchema({
    type: 'object',
    additionalProperties: false,
    required: ['kind', 'tenant', 'from', 'to'],
    properties: {
      kind: { const: 'home-moved' },
      tenant: { type: 'string', format: 'identifier', minLength: 1, maxLength: 200 },
      from: { type: 'integer', minimum: 0, maximum: 99999 },
      to: { type: 'integer', minimum: 0, maximum: 99999 },
    },
  }),
  fields: {
    '/params/change/kind': { class: 'executed' },
    '/params/change/tenant': { class: 'executed' },
    '/params/change/from': { class: 'executed' },
    '/params/change/to': { class: 'executed' },
    '/params/note': { class: 'claimed' },
  },
  template: [
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'home-moved' },
      text: ['move everything of this ledger to another shard: its log, its inputs, its content'],
    },
    { label: 'Ledger of the tenant', text: [{ field: '/params/change/tenant' }] },
    { label: 'Shard that it leaves for ever', text: [{ field: '/params/change/from' }] },
    { label: 'Shard that it goes on in', text: [{ field: '/params/change/to' }] },
    {
      label: 'What that means',
      when: { field: '/params/change/kind', is: 'home-moved' },
      text: [
        'The log of the old shard ends with this change. Nothing is decided until an operator has run ',
        '"countersign move"; then the same log goes on in the new shard, with everything that is open.',
      ],
    },
  ],
  claims: [{ label: 'Note', absent: 'not given', text: [{ field: '/params/note' }] }],
  not_covered: [
    'Whether the new shard is there and free: the operator sees to that before asking.',
    'How long nothing is decided: until the operator has run the move, which copies the whole log.',
  ],
  executor_contract: LEDGER_CONTRACT,
};
