import type { JsonObject } from '@countersign/canonical';

/** The ledger runs changes of its authority itself: schemas/formats/authority.md §6. */
export const LEDGER_CONTRACT: JsonObject = {
  interface: 'countersign.ledger.authority.v1',
  preconditions: [],
  record:
    'The entry authority-changed in the log itself, which the ledger writes in the batch of the binding',
};

/** Of the params: one change, and what who asks wants to say of it. */
export function changeSchema(change: JsonObject): JsonObject {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['change'],
    properties: {
      change,
      note: { type: 'string', format: 'display-text', minLength: 1, maxLength: 500 },
    },
  };
}
