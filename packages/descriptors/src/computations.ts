import { COMMAND_ENVIRONMENT } from './command-environment.ts';
import type { Computation } from './computation.ts';
import { IAM_POLICY_DELTA } from './iam-policy-delta.ts';
import { TOOL_CALL } from './tool-call.ts';

/** The names that a template may use. A new meaning takes a new name: old displays must stay the same. */
export const COMPUTATIONS: ReadonlyMap<string, Computation> = new Map([
  ['command-environment', COMMAND_ENVIRONMENT],
  ['iam-policy-delta', IAM_POLICY_DELTA],
  ['tool-call', TOOL_CALL],
]);
