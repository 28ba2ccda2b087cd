import type { JsonObject } from '@countersign/canonical';
import { changeSchema, LEDGER_CONTRACT } from './authority-parts.ts';

/** The same document as schemas/json/authority.identity.v1.json, because this package reads no files. */
export const AUTHORITY_IDENTITY: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'authority.identity',
  type_version: 1,
  title: 'Tie a person to an account of the company',
  reversibility: 'externally-reversible',
  schema: changeSchema({
    type: 'object',
    additionalProperties: false,
    required: ['kind', 'person', 'issuer', 'subject_digest'],
    properties: {
      kind: { const: 'person-tied' },
      person: { type: 'string', format: 'identifier', maxLength: 64 },
      issuer: { type: 'string', format: 'identifier', maxLength: 508 },
      subject_digest: { type: 'string', format: 'sha256' },
      invited: {
        type: 'object',
        additionalProperties: false,
        required: ['class', 'invitation'],
        properties: {
          class: { enum: ['natural', 'role', 'machine'] },
          invitation: {
            type: 'object',
            additionalProperties: false,
            required: ['id', 'public_key', 'not_after'],
            properties: {
              id: { type: 'string', format: 'sha256' },
              public_key: {
                type: 'string',
                format: 'base64url',
                minLength: 122,
                maxLength: 122,
              },
              not_after: { type: 'string', format: 'timestamp' },
            },
          },
        },
      },
    },
  }),
  fields: {
    '/params/change/kind': { class: 'executed' },
    '/params/change/person': { class: 'executed' },
    '/params/change/issuer': { class: 'executed' },
    '/params/change/subject_digest': { class: 'executed' },
    '/params/change/invited/class': { class: 'executed' },
    '/params/change/invited/invitation/id': { class: 'executed' },
    '/params/change/invited/invitation/public_key': { class: 'executed' },
    '/params/change/invited/invitation/not_after': { class: 'executed' },
    '/params/note': { class: 'claimed' },
  },
  template: [
    {
      label: 'Change',
      when: { field: '/params/change/kind', is: 'person-tied' },
      text: [
        'say which account of the company a person has: their passkeys are enrolled with it alone',
      ],
    },
    { label: 'Person', text: [{ field: '/params/change/person' }] },
    { label: 'Accounts of', text: [{ field: '/params/change/issuer' }] },
    { label: 'Account (salted digest)', text: [{ field: '/params/change/subject_digest' }] },
    {
      label: 'Invited as',
      absent: 'nobody is invited by this',
      text: [{ field: '/params/change/invited/class' }],
    },
    { label: 'Invitation', text: [{ field: '/params/change/invited/invitation/id' }] },
    {
      label: 'Key of the invitation',
      text: [{ field: '/params/change/invited/invitation/public_key' }],
    },
    { label: 'Invitation ends', text: [{ field: '/params/change/invited/invitation/not_after' }] },
  ],
  claims: [{ label: 'Note', absent: 'not given', text: [{ field: '/params/note' }] }],
  not_covered: [
    'Whose account it is: the log holds a salted digest, and the operator who asks knows the account.',
    'What the identity provider does: whoever runs it can sign in as anybody.',
  ],
  executor_contract: LEDGER_CONTRACT,
};
