import type { JsonObject } from '@countersign/canonical';
import { changeSchema, LEDGER_CONTRACT } from './authority-parts.ts';

/** The same document as schemas/json/authority.thaw.v1.json, because this package reads no files. */
export const AUTHORITY_THAW: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'authority.thaw',
  type_version: 1,
  title: 'Thaw the ledger',
  reversibility: 'externally-reversible',
  schema: changeSchema({
    type: 'object',
    additionalProperties: false,
    required: ['kind', 'epoch'],
    properties: {
      kind: {
        const: 'thawed',
      },
      epoch: {
        type: 'integer',
        minimum: 1,
        maximum: 1000000,
      },
    },
  }),
  fields: {
    '/params/change/kind': {
      class: 'executed',
    },
    '/params/change/epoch': {
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
        is: 'thawed',
      },
      text: ['thaw the ledger: things can be asked for, bound and used again'],
    },
    {
      label: 'Ends the freeze',
      text: [
        'number ',
        {
          field: '/params/change/epoch',
        },
      ],
    },
    {
      label: 'What that means',
      when: {
        field: '/params/change/kind',
        is: 'thawed',
      },
      text: ['What was approved before the freeze stays dead: it has to be asked for again.'],
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
  not_covered: ['Whether the reason of the freeze is gone: see to that before approving.'],
  executor_contract: LEDGER_CONTRACT,
};
