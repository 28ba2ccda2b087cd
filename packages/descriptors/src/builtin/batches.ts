import type { JsonObject } from '@countersign/canonical';
import { batchDocument } from '../batch-descriptor.ts';
import { GENERIC_COMMAND } from './generic-command.ts';
import { GENERIC_TOOL_CALL } from './generic-tool-call.ts';
import { IAM_POLICY_CHANGE } from './iam-policy-change.ts';
import { KEY_ROTATE } from './key-rotate.ts';
import { PAYMENT_TRANSFER } from './payment-transfer.ts';
import { RESPONSE_CONTAIN } from './response-contain.ts';
import { SECRET_ACCESS_TYPE } from './secret-access.ts';

/** The same documents as schemas/json/batch.*.v1.json, because this package reads no files. */
export const BATCHES: readonly JsonObject[] = [
  batchDocument(GENERIC_COMMAND, 'Run several commands'),
  batchDocument(GENERIC_TOOL_CALL, 'Call several tools'),
  batchDocument(IAM_POLICY_CHANGE, 'Change several access policies'),
  batchDocument(KEY_ROTATE, 'Replace several keys'),
  batchDocument(PAYMENT_TRANSFER, 'Pay money several times'),
  batchDocument(RESPONSE_CONTAIN, 'Cut several machines off, or let them back'),
  batchDocument(SECRET_ACCESS_TYPE, 'Give out several secrets'),
];
