import type { JsonObject } from '@countersign/canonical';
import { changeSchema, LEDGER_CONTRACT } from './authority-parts.ts';

/** The same document as schemas/json/authority.logkey.v1.json, because this package reads no files. */
export const AUTHORITY_LOGKEY: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'authority.logkey',
  type_version: 1,
  title: 'Change which keys sign the log',
  reversibility: 'externally-reversible',
  schema: changeSchema({
    oneOf: [
      {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'vkey'],
        properties: {
          kind: { const: 'log-key-added' },
          vkey: { type: 'string', format: 'identifier', maxLength: 500 },
        },
      },
      {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'id'],
        properties: {
          kind: { const: 'log-key-removed' },
          id: { type: 'string', format: 'identifier', minLength: 8, maxLength: 8 },
        },
      },
    ],
  }),
  fields: {
    '/params/change/kind': { class: 'executed' },
    '/params/change/vkey': { class: 'executed' },
    '/params/change/id': { class: 'executed' },
    '/params/note': { class: 'claimed' },
  },
  template: [
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'log-key-added' },
      text: ['let another key sign the log'],
    },
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'log-key-removed' },
      text: ['let a key sign the log no more, for ever'],
    },
    { label: 'Verifier key to add', text: [{ field: '/params/change/vkey' }] },
    { label: 'Id of the key to remove', text: [{ field: '/params/change/id' }] },
  ],
  claims: [{ label: 'Note', absent: 'not given', text: [{ field: '/params/note' }] }],
  not_covered: [
    'Who holds the private key that belongs to a verifier key: compare the key with its holder by another way.',
    'Whether the keys that are left can sign: see them sign the newest checkpoint before another one is removed.',
  ],
  executor_contract: LEDGER_CONTRACT,
};
