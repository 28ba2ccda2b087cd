import type { JsonObject } from '@countersign/canonical';
import { changeSchema, LEDGER_CONTRACT } from './authority-parts.ts';

/** The same document as schemas/json/authority.freeze.v1.json, because this package reads no files. */
export const AUTHORITY_FREEZE: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'authority.freeze',
  type_version: 1,
  title: 'Freeze the ledger',
  reversibility: 'externally-reversible',
  schema: changeSchema({
    type: 'object',
    additionalProperties: false,
    required: ['kind'],
    properties: {
      kind: {
        const: 'frozen',
      },
    },
  }),
  fields: {
    '/params/change/kind': {
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
        is: 'frozen',
      },
      text: ['freeze the ledger: nothing more is used and nothing is bound, from this moment on'],
    },
    {
      label: 'What that means',
      when: {
        field: '/params/change/kind',
        is: 'frozen',
      },
      text: [
        'Everything that was approved and not yet used is dead for ever, also once the ledger is thawed: it has to be asked for again. ',
        'What has already started goes on, and can be reported.',
      ],
    },
    {
      label: 'What still works',
      when: {
        field: '/params/change/kind',
        is: 'frozen',
      },
      text: [
        'revoking credentials, agents and executors, and thawing, which the bootstrap rule decides',
      ],
    },
  ],
  claims: [
    {
      label: 'Reason',
      absent: 'not given',
      text: [
        {
          field: '/params/note',
        },
      ],
    },
  ],
  not_covered: [
    'What has already been started: the ledger does not stop it.',
    'Executors that run things without claiming a use.',
  ],
  executor_contract: LEDGER_CONTRACT,
};
