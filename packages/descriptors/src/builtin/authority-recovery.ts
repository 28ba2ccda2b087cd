import type { JsonObject } from '@countersign/canonical';
import { changeSchema, LEDGER_CONTRACT } from './authority-parts.ts';

/** The same document as schemas/json/authority.recovery.v1.json, because this package reads no files. */
export const AUTHORITY_RECOVERY: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'authority.recovery',
  type_version: 1,
  title: 'Start a recovery: give a person a new key in the place of all that they have',
  reversibility: 'externally-reversible',
  schema: changeSchema({
    type: 'object',
    additionalProperties: false,
    required: ['kind', 'person', 'invitation', 'delay_h'],
    properties: {
      kind: { const: 'recovery-started' },
      person: { type: 'string', format: 'identifier', maxLength: 64 },
      invitation: {
        type: 'object',
        additionalProperties: false,
        required: ['id', 'public_key'],
        properties: {
          id: { type: 'string', format: 'sha256' },
          public_key: { type: 'string', format: 'base64url', minLength: 122, maxLength: 122 },
        },
      },
      delay_h: { type: 'integer', minimum: 1, maximum: 720 },
    },
  }),
  fields: {
    '/params/change/kind': { class: 'executed' },
    '/params/change/person': { class: 'executed' },
    '/params/change/invitation/id': { class: 'executed' },
    '/params/change/invitation/public_key': { class: 'executed' },
    '/params/change/delay_h': { class: 'executed' },
    '/params/note': { class: 'claimed' },
  },
  template: [
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'recovery-started' },
      text: [
        'let whoever has the link enrol a key for this person: then every other key and every other link of theirs ends',
      ],
    },
    { label: 'Person', text: [{ field: '/params/change/person' }] },
    { label: 'Invitation', text: [{ field: '/params/change/invitation/id' }] },
    {
      label: 'Key of the invitation',
      text: [{ field: '/params/change/invitation/public_key' }],
    },
    {
      label: 'Takes effect',
      text: [
        'not before ',
        { field: '/params/change/delay_h' },
        ' hours after enough persons have signed, then for 7 days, and only if nobody cancels it before',
      ],
    },
    {
      label: 'Until then',
      when: { field: '/params/change/kind', is: 'recovery-started' },
      text: [
        'everybody who watches the ledger is told, and it can be cancelled by no more persons than it takes to start one',
      ],
    },
  ],
  claims: [{ label: 'Reason', absent: 'not given', text: [{ field: '/params/note' }] }],
  not_covered: [
    'Who has the link: hand it to the person yourself, and see that it is them.',
    'Whether the person has lost their keys: ask them by another way than the one that told you.',
    'Whether the ledger knows this person: a recovery can also let somebody in who was not there before.',
  ],
  executor_contract: LEDGER_CONTRACT,
};
