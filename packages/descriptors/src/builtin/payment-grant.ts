import type { JsonObject } from '@countersign/canonical';

/** The same document as schemas/json/payment.grant.v1.json, because this package reads no files. */
export const PAYMENT_GRANT_TYPE: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'payment.grant',
  type_version: 1,
  title: 'Let several payments go to one payee, within limits',
  reversibility: 'irreversible',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['debtor_account', 'creditor', 'currency', 'amount_min', 'amount_max', 'remittance'],
    properties: {
      debtor_account: {
        type: 'string',
        format: 'iban',
      },
      creditor: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'account', 'country'],
        properties: {
          name: {
            type: 'string',
            format: 'bank-text',
            minLength: 1,
            maxLength: 70,
          },
          account: {
            type: 'string',
            format: 'iban',
          },
          country: {
            type: 'string',
            format: 'country',
          },
        },
      },
      currency: {
        enum: ['EUR'],
      },
      amount_min: {
        type: 'string',
        format: 'money',
      },
      amount_max: {
        type: 'string',
        format: 'money',
      },
      remittance: {
        type: 'string',
        format: 'bank-text',
        minLength: 1,
        maxLength: 140,
      },
    },
  },
  fields: {
    '/params/debtor_account': {
      class: 'executed',
    },
    '/params/creditor/name': {
      class: 'executed',
    },
    '/params/creditor/account': {
      class: 'executed',
    },
    '/params/creditor/country': {
      class: 'executed',
    },
    '/params/currency': {
      class: 'executed',
    },
    '/params/amount_min': {
      class: 'executed',
    },
    '/params/amount_max': {
      class: 'executed',
    },
    '/params/remittance': {
      class: 'executed',
    },
  },
  template: [
    {
      computed: 'payment-grant',
    },
    {
      label: 'Text for the payee',
      text: [
        {
          field: '/params/remittance',
        },
      ],
    },
  ],
  claims: [],
  not_covered: [
    'Which amount within the limits each payment has, and why: the executor says that in its claim, and no person looks at it before it is paid.',
    'Whether the account belongs to the payee.',
    'Whether anything is owed, and whether the account is covered.',
    'The consent that the own bank asks for, which this approval does not replace.',
    'The day on which the bank carries out each payment.',
  ],
  bounds: [
    {
      name: 'amount',
      kind: 'money',
      min: '/params/amount_min',
      max: '/params/amount_max',
    },
  ],
  executor_contract: {
    interface: 'countersign.executor.payment-file.v1',
    preconditions: [],
    record:
      'The EndToEndId of the payment, CS- and the short id of the use, which the statement of the bank returns',
  },
};
