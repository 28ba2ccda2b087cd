import type { JsonObject } from '@countersign/canonical';
import { changeSchema, LEDGER_CONTRACT } from './authority-parts.ts';

/** The same document as schemas/json/authority.cancel.v1.json, because this package reads no files. */
export const AUTHORITY_CANCEL: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'authority.cancel',
  type_version: 1,
  title: 'Cancel a recovery',
  reversibility: 'externally-reversible',
  schema: changeSchema({
    type: 'object',
    additionalProperties: false,
    required: ['kind', 'person', 'invitation'],
    properties: {
      kind: { const: 'recovery-cancelled' },
      person: { type: 'string', format: 'identifier', maxLength: 64 },
      invitation: { type: 'string', format: 'sha256' },
    },
  }),
  fields: {
    '/params/change/kind': { class: 'executed' },
    '/params/change/person': { class: 'executed' },
    '/params/change/invitation': { class: 'executed' },
    '/params/note': { class: 'claimed' },
  },
  template: [
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'recovery-cancelled' },
      text: ['end the recovery of this person: its link never works, and their keys stay'],
    },
    { label: 'Person', text: [{ field: '/params/change/person' }] },
    { label: 'Invitation', text: [{ field: '/params/change/invitation' }] },
  ],
  claims: [{ label: 'Reason', absent: 'not given', text: [{ field: '/params/note' }] }],
  not_covered: ['Who started it, and with whose keys: see to those keys as well.'],
  executor_contract: LEDGER_CONTRACT,
};
