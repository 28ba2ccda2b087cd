import type { JsonObject } from '@countersign/canonical';
import { changeSchema, LEDGER_CONTRACT } from './authority-parts.ts';

/** The same document as schemas/json/authority.deputy.v1.json, because this package reads no files. */
export const AUTHORITY_DEPUTY: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'authority.deputy',
  type_version: 1,
  title: 'Change who decides in the place of a person who is away',
  reversibility: 'externally-reversible',
  schema: changeSchema({
    oneOf: [
      {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'principal', 'deputy', 'types', 'not_before', 'not_after'],
        properties: {
          kind: { const: 'deputy-named' },
          principal: { type: 'string', format: 'identifier', maxLength: 64 },
          deputy: { type: 'string', format: 'identifier', maxLength: 64 },
          types: {
            type: 'array',
            minItems: 1,
            maxItems: 16,
            items: { type: 'string', format: 'identifier', maxLength: 64 },
          },
          not_before: { type: 'string', format: 'timestamp' },
          not_after: { type: 'string', format: 'timestamp' },
        },
      },
      {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'principal'],
        properties: {
          kind: { const: 'deputy-revoked' },
          principal: { type: 'string', format: 'identifier', maxLength: 64 },
        },
      },
    ],
  }),
  fields: {
    '/params/change/kind': { class: 'executed' },
    '/params/change/principal': { class: 'executed' },
    '/params/change/deputy': { class: 'executed' },
    '/params/change/types/*': { class: 'executed' },
    '/params/change/not_before': { class: 'executed' },
    '/params/change/not_after': { class: 'executed' },
    '/params/note': { class: 'claimed' },
  },
  template: [
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'deputy-named' },
      text: ['let a deputy decide in the place of a person who is away'],
    },
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'deputy-revoked' },
      text: ['end that somebody decides in the place of a person'],
    },
    { label: 'Who is away', text: [{ field: '/params/change/principal' }] },
    { label: 'Deputy', text: [{ field: '/params/change/deputy' }] },
    {
      label: 'Type of action {n}',
      each: '/params/change/types',
      empty: 'none',
      text: [{ field: '/params/change/types/*' }],
    },
    { label: 'From', text: [{ field: '/params/change/not_before' }] },
    { label: 'Until', text: [{ field: '/params/change/not_after' }] },
    {
      label: 'An earlier deputy',
      when: { field: '/params/change/kind', is: 'deputy-named' },
      text: ['of the person who is away ends by it'],
    },
  ],
  claims: [{ label: 'Reason', absent: 'not given', text: [{ field: '/params/note' }] }],
  not_covered: [
    'Whether the person who is away wants this: ask them by another way.',
    'What the deputy may decide anyway, by the rules that name them: that stays as it is.',
  ],
  executor_contract: LEDGER_CONTRACT,
};
