import type { JsonObject } from '@countersign/canonical';
import { changeSchema, LEDGER_CONTRACT } from './authority-parts.ts';

/** The same document as schemas/json/authority.sponsor.v1.json, because this package reads no files. */
export const AUTHORITY_SPONSOR: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'authority.sponsor',
  type_version: 1,
  title: 'Change who sponsors an agent',
  reversibility: 'externally-reversible',
  schema: changeSchema({
    type: 'object',
    additionalProperties: false,
    required: ['kind', 'agent'],
    properties: {
      kind: { const: 'agent-sponsored' },
      agent: { type: 'string', format: 'identifier', maxLength: 200 },
      sponsor: { type: 'string', format: 'identifier', maxLength: 64 },
    },
  }),
  fields: {
    '/params/change/kind': { class: 'executed' },
    '/params/change/agent': { class: 'executed' },
    '/params/change/sponsor': { class: 'executed' },
    '/params/note': { class: 'claimed' },
  },
  template: [
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'agent-sponsored' },
      text: ['say for whom an agent works, who therefore cannot approve what it asks for'],
    },
    { label: 'Agent', text: [{ field: '/params/change/agent' }] },
    {
      label: 'Sponsor',
      absent: 'nobody from now on: whoever it was may approve what the agent asks for',
      text: [{ field: '/params/change/sponsor' }],
    },
  ],
  claims: [{ label: 'Note', absent: 'not given', text: [{ field: '/params/note' }] }],
  not_covered: ['Whether the agent works for this person: only who enrols it can know.'],
  executor_contract: LEDGER_CONTRACT,
};
