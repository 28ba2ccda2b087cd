import type { JsonObject } from '@countersign/canonical';

/** The ledger runs changes of its authority itself: schemas/formats/authority.md §6. */
export const LEDGER_CONTRACT: JsonObject = {
  interface: 'countersign.ledger.authority.v1',
  preconditions: [],
  record:
    'The entry authority-changed in the log itself, which the ledger writes in the batch of the binding',
};

/** The schema of what who asks wants to say of it. */
export const NOTE: JsonObject = {
  type: 'string',
  format: 'display-text',
  minLength: 1,
  maxLength: 500,
};
