import type { JsonObject } from '@countersign/canonical';
import { changeSchema, LEDGER_CONTRACT } from './authority-parts.ts';

/** The same document as schemas/json/authority.sshkey.v1.json, because this package reads no files. */
export const AUTHORITY_SSHKEY: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'authority.sshkey',
  type_version: 1,
  title: 'Let a person decide with an SSH key',
  reversibility: 'externally-reversible',
  schema: changeSchema({
    oneOf: [
      {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'person', 'key_type', 'fingerprint', 'public_key'],
        properties: {
          kind: {
            const: 'ssh-key-enrolled',
          },
          person: {
            type: 'string',
            format: 'identifier',
            maxLength: 64,
          },
          key_type: {
            enum: [
              'ssh-ed25519',
              'ecdsa-sha2-nistp256',
              'ssh-rsa',
              'sk-ssh-ed25519@openssh.com',
              'sk-ecdsa-sha2-nistp256@openssh.com',
            ],
          },
          fingerprint: {
            type: 'string',
            format: 'identifier',
            minLength: 50,
            maxLength: 50,
          },
          application: {
            type: 'string',
            format: 'identifier',
            maxLength: 128,
          },
          public_key: {
            type: 'string',
            format: 'base64url',
            minLength: 43,
            maxLength: 800,
          },
        },
      },
    ],
  }),
  fields: {
    '/params/change/kind': {
      class: 'executed',
    },
    '/params/change/person': {
      class: 'executed',
    },
    '/params/change/key_type': {
      class: 'executed',
    },
    '/params/change/fingerprint': {
      class: 'executed',
    },
    '/params/change/application': {
      class: 'executed',
    },
    '/params/change/public_key': {
      class: 'executed',
    },
    '/params/note': {
      class: 'claimed',
    },
  },
  template: [
    {
      label: 'Change',
      when: {
        field: '/params/change/kind',
        is: 'ssh-key-enrolled',
      },
      text: ['let a person decide in a terminal, with an SSH key'],
    },
    {
      label: 'Person',
      text: [
        {
          field: '/params/change/person',
        },
      ],
    },
    {
      label: 'Type of the key',
      when: {
        field: '/params/change/key_type',
        is: 'ssh-ed25519',
      },
      text: [
        {
          field: '/params/change/key_type',
        },
        ': it proves that somebody has the key (class possession): a program that can read its file or reach its agent can sign as this person',
      ],
    },
    {
      label: 'Type of the key',
      when: {
        field: '/params/change/key_type',
        is: 'ecdsa-sha2-nistp256',
      },
      text: [
        {
          field: '/params/change/key_type',
        },
        ': it proves that somebody has the key (class possession): a program that can read its file or reach its agent can sign as this person',
      ],
    },
    {
      label: 'Type of the key',
      when: {
        field: '/params/change/key_type',
        is: 'ssh-rsa',
      },
      text: [
        {
          field: '/params/change/key_type',
        },
        ': it proves that somebody has the key (class possession): a program that can read its file or reach its agent can sign as this person',
      ],
    },
    {
      label: 'Type of the key',
      when: {
        field: '/params/change/key_type',
        is: 'sk-ssh-ed25519@openssh.com',
      },
      text: [
        {
          field: '/params/change/key_type',
        },
        ': it proves a touch of a security key (class up), and its PIN or finger where the key asks for it (class uv)',
      ],
    },
    {
      label: 'Type of the key',
      when: {
        field: '/params/change/key_type',
        is: 'sk-ecdsa-sha2-nistp256@openssh.com',
      },
      text: [
        {
          field: '/params/change/key_type',
        },
        ': it proves a touch of a security key (class up), and its PIN or finger where the key asks for it (class uv)',
      ],
    },
    {
      label: 'Fingerprint',
      text: [
        {
          field: '/params/change/fingerprint',
        },
      ],
    },
    {
      label: 'Application',
      absent: 'none: not a security key',
      text: [
        {
          field: '/params/change/application',
        },
      ],
    },
    {
      label: 'Public key',
      text: [
        {
          field: '/params/change/public_key',
        },
      ],
    },
  ],
  claims: [
    {
      label: 'Note',
      absent: 'not given',
      text: [
        {
          field: '/params/note',
        },
      ],
    },
  ],
  not_covered: [
    'Who holds the private key: have this person read the fingerprint out by another way.',
    'Whether a key of a security key type lies in a real token, and whether it asks for a PIN or a finger.',
  ],
  executor_contract: LEDGER_CONTRACT,
};
