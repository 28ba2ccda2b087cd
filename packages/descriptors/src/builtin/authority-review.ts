import type { Json, JsonObject } from '@countersign/canonical';
import { LEDGER_CONTRACT } from './authority-parts.ts';

const RESULTS: readonly (readonly [string, string])[] = [
  ['not-used', 'it was not used, and can be used no more'],
  ['not-reported', 'it was used, and its executor has not said what came of it'],
  ['succeeded', 'its executor says that it succeeded'],
  ['failed', 'its executor says that it failed'],
  ['unknown', 'its executor says that it does not know'],
];

function person(description: string): Json {
  return { type: 'string', format: 'identifier', minLength: 30, maxLength: 30, description };
}

/** The same document as schemas/json/authority.review.v1.json, because this package reads no files. */
export const AUTHORITY_REVIEW: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'authority.review',
  type_version: 1,
  title: 'Review an action that ran as BREAK-GLASS',
  reversibility: 'irreversible',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['change'],
    properties: {
      change: {
        type: 'object',
        additionalProperties: false,
        required: [
          'kind',
          'action_id',
          'action_type',
          'action_digest',
          'approvers',
          'concerned',
          'result',
          'verdict',
          'remarks',
        ],
        properties: {
          kind: { const: 'reviewed' },
          action_id: { type: 'string', format: 'ulid' },
          action_type: { type: 'string', format: 'type-name' },
          action_digest: { type: 'string', format: 'sha256' },
          approvers: {
            type: 'array',
            minItems: 1,
            maxItems: 16,
            items: person('who had approved it'),
          },
          concerned: {
            type: 'array',
            minItems: 1,
            maxItems: 2,
            items: person('the owner of its agent, and whose own tool that is'),
          },
          result: { enum: RESULTS.map(([result]) => result) },
          verdict: { enum: ['justified', 'not-justified'] },
          remarks: { type: 'string', format: 'display-text', minLength: 1, maxLength: 1000 },
        },
      },
    },
  },
  fields: {
    '/params/change/kind': { class: 'executed' },
    '/params/change/action_id': { class: 'executed' },
    '/params/change/action_type': { class: 'executed' },
    '/params/change/action_digest': { class: 'executed' },
    '/params/change/approvers/*': { class: 'executed' },
    '/params/change/concerned/*': { class: 'executed' },
    '/params/change/result': { class: 'executed' },
    '/params/change/verdict': { class: 'executed' },
    '/params/change/remarks': { class: 'executed' },
  },
  template: [
    {
      label: 'Review',
      when: { field: '/params/change/kind', is: 'reviewed' },
      text: ['of an action that ran as BREAK-GLASS, without the usual approvals'],
    },
    { label: 'Action', text: [{ field: '/params/change/action_id' }] },
    { label: 'Its type', text: [{ field: '/params/change/action_type' }] },
    { label: 'Its digest', text: [{ field: '/params/change/action_digest' }] },
    {
      label: 'Approved by {n}',
      each: '/params/change/approvers',
      empty: 'nobody',
      text: [{ field: '/params/change/approvers/*' }],
    },
    {
      label: 'Answers for its agent {n}',
      each: '/params/change/concerned',
      empty: 'nobody',
      text: [{ field: '/params/change/concerned/*' }],
    },
    ...RESULTS.map(([result, words]) => ({
      label: 'What came of it',
      when: { field: '/params/change/result', is: result },
      text: [words],
    })),
    {
      label: 'Verdict',
      when: { field: '/params/change/verdict', is: 'justified' },
      text: ['JUSTIFIED: it could not wait for the usual approvals'],
    },
    {
      label: 'Verdict',
      when: { field: '/params/change/verdict', is: 'not-justified' },
      text: ['NOT JUSTIFIED: it should have waited for the usual approvals'],
    },
    { label: 'Remarks', text: [{ field: '/params/change/remarks', form: 'quoted' }] },
  ],
  claims: [],
  not_covered: [
    'What the action has done beyond what its executor says: look at the action, and at its target.',
    'What follows from a verdict: it closes the review, and changes nothing else.',
  ],
  executor_contract: LEDGER_CONTRACT,
};
