import type { JsonObject } from '@countersign/canonical';
import { changeSchema, LEDGER_CONTRACT } from './authority-parts.ts';

/** The same document as schemas/json/authority.issuer.v1.json, because this package reads no files. */
export const AUTHORITY_ISSUER: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'authority.issuer',
  type_version: 1,
  title: 'Change who may say on whose behalf an agent acts',
  reversibility: 'externally-reversible',
  schema: changeSchema({
    oneOf: [
      {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'issuer'],
        properties: {
          kind: { const: 'issuer-enrolled' },
          issuer: {
            type: 'object',
            additionalProperties: false,
            required: ['id', 'keys', 'persons'],
            properties: {
              id: { type: 'string', format: 'identifier', maxLength: 200 },
              keys: {
                type: 'array',
                minItems: 1,
                maxItems: 4,
                items: {
                  type: 'object',
                  additionalProperties: false,
                  required: ['kid', 'alg', 'public_key'],
                  properties: {
                    kid: { type: 'string', format: 'identifier', maxLength: 200 },
                    alg: { enum: ['ES256', 'EdDSA', 'RS256'] },
                    public_key: {
                      type: 'string',
                      format: 'base64url',
                      minLength: 43,
                      maxLength: 800,
                    },
                  },
                },
              },
              persons: {
                type: 'array',
                maxItems: 64,
                items: {
                  type: 'object',
                  additionalProperties: false,
                  required: ['sub', 'person'],
                  properties: {
                    sub: { type: 'string', format: 'identifier', maxLength: 200 },
                    person: { type: 'string', format: 'identifier', maxLength: 64 },
                  },
                },
              },
              services: { type: 'string', format: 'identifier', maxLength: 200 },
            },
          },
        },
      },
      {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'id'],
        properties: {
          kind: { const: 'issuer-revoked' },
          id: { type: 'string', format: 'identifier', maxLength: 200 },
        },
      },
    ],
  }),
  fields: {
    '/params/change/kind': { class: 'executed' },
    '/params/change/issuer/id': { class: 'executed' },
    '/params/change/issuer/keys/*/kid': { class: 'executed' },
    '/params/change/issuer/keys/*/alg': { class: 'executed' },
    '/params/change/issuer/keys/*/public_key': { class: 'executed' },
    '/params/change/issuer/persons/*/sub': { class: 'executed' },
    '/params/change/issuer/persons/*/person': { class: 'executed' },
    '/params/change/issuer/services': { class: 'executed' },
    '/params/change/id': { class: 'executed' },
    '/params/note': { class: 'claimed' },
  },
  template: [
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'issuer-enrolled' },
      text: ['believe an issuer when it says on whose behalf an agent acts'],
    },
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'issuer-revoked' },
      text: ['believe an issuer no more'],
    },
    { label: 'Issuer', text: [{ field: '/params/change/issuer/id' }] },
    {
      label: 'Key of the issuer {n}',
      each: '/params/change/issuer/keys',
      empty: 'none',
      text: [
        { field: '/params/change/issuer/keys/*/alg' },
        ' ',
        { field: '/params/change/issuer/keys/*/kid' },
        ': ',
        { field: '/params/change/issuer/keys/*/public_key' },
      ],
    },
    {
      label: 'Subject {n}',
      each: '/params/change/issuer/persons',
      empty: 'none of its subjects is a person',
      text: [
        { field: '/params/change/issuer/persons/*/sub' },
        ' is the person ',
        { field: '/params/change/issuer/persons/*/person' },
      ],
    },
    {
      label: 'Subjects that are no persons',
      when: { field: '/params/change/kind', is: 'issuer-enrolled' },
      absent: 'none',
      text: ['all that begin with ', { field: '/params/change/issuer/services' }],
    },
    { label: 'Issuer to revoke', text: [{ field: '/params/change/id' }] },
  ],
  claims: [{ label: 'Note', absent: 'not given', text: [{ field: '/params/note' }] }],
  not_covered: [
    'Who holds the private keys of the issuer: compare the keys with its operator by another way.',
    'Whether its subjects are these persons: a person who is left out is nobody whom a chain may name.',
  ],
  executor_contract: LEDGER_CONTRACT,
};
