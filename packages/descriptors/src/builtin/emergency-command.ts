import type { JsonObject } from '@countersign/canonical';
import {
  COMMAND_CLAIMS,
  COMMAND_CONTRACT,
  COMMAND_FIELDS,
  COMMAND_LINES,
  COMMAND_NOT_COVERED,
  COMMAND_PROPERTIES,
  COMMAND_REQUIRED,
} from './generic-command.ts';

/** The same document as schemas/json/emergency.command.v1.json, because this package reads no files. */
export const EMERGENCY_COMMAND: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'emergency.command',
  type_version: 1,
  title: 'BREAK-GLASS: run a command in an emergency',
  reversibility: 'irreversible',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: [...COMMAND_REQUIRED, 'incident', 'reason'],
    properties: {
      ...COMMAND_PROPERTIES,
      incident: {
        type: 'object',
        additionalProperties: false,
        required: ['system', 'id'],
        properties: {
          system: { type: 'string', format: 'identifier', maxLength: 100 },
          id: { type: 'string', format: 'identifier', maxLength: 100 },
        },
      },
      reason: { type: 'string', format: 'display-text', minLength: 1, maxLength: 500 },
    },
  },
  fields: {
    ...COMMAND_FIELDS,
    '/params/incident/system': { class: 'claimed' },
    '/params/incident/id': { class: 'claimed' },
    '/params/reason': { class: 'claimed' },
  },
  template: [{ computed: 'break-glass' }, ...COMMAND_LINES],
  claims: [
    {
      label: 'Incident',
      text: [{ field: '/params/incident/id' }, ' in ', { field: '/params/incident/system' }],
    },
    { label: 'Reason', text: [{ field: '/params/reason' }] },
    ...COMMAND_CLAIMS,
  ],
  not_covered: [
    ...COMMAND_NOT_COVERED,
    'Whether there is such an incident, and whether it could have waited for the usual approvals.',
  ],
  executor_contract: COMMAND_CONTRACT,
};
