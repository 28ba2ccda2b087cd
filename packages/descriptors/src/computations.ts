import { BREAK_GLASS } from './break-glass.ts';
import { COMMAND_ENVIRONMENT } from './command-environment.ts';
import type { Computation } from './computation.ts';
import { CONTAINMENT, CONTAINMENT_CLAIMS } from './containment.ts';
import { IAM_POLICY_DELTA } from './iam-policy-delta.ts';
import { KEY_CONSUMERS, KEY_ROTATION } from './key-rotation.ts';
import { PAYMENT_CLAIMS } from './payment-claims.ts';
import { PAYMENT_GRANT } from './payment-grant.ts';
import { PAYMENT } from './payment.ts';
import { SECRET_ACCESS } from './secret-access.ts';
import { TOOL_CALL } from './tool-call.ts';

/** The names that a template may use. A new meaning takes a new name: old displays must stay the same. */
export const COMPUTATIONS: ReadonlyMap<string, Computation> = new Map([
  ['break-glass', BREAK_GLASS],
  ['command-environment', COMMAND_ENVIRONMENT],
  ['containment', CONTAINMENT],
  ['containment-claims', CONTAINMENT_CLAIMS],
  ['iam-policy-delta', IAM_POLICY_DELTA],
  ['key-consumers', KEY_CONSUMERS],
  ['key-rotation', KEY_ROTATION],
  ['payment', PAYMENT],
  ['payment-grant', PAYMENT_GRANT],
  ['payment-claims', PAYMENT_CLAIMS],
  ['secret-access', SECRET_ACCESS],
  ['tool-call', TOOL_CALL],
]);
