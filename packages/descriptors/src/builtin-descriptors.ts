import { AUTHORITY_CANCEL } from './builtin/authority-cancel.ts';
import { AUTHORITY_CHANGE } from './builtin/authority-change.ts';
import { AUTHORITY_DEPUTY } from './builtin/authority-deputy.ts';
import { AUTHORITY_FREEZE } from './builtin/authority-freeze.ts';
import { AUTHORITY_HOME } from './builtin/authority-home.ts';
import { AUTHORITY_ISSUER } from './builtin/authority-issuer.ts';
import { AUTHORITY_IDENTITY } from './builtin/authority-identity.ts';
import { AUTHORITY_LOGKEY } from './builtin/authority-logkey.ts';
import { AUTHORITY_RECOVERY } from './builtin/authority-recovery.ts';
import { AUTHORITY_SPONSOR } from './builtin/authority-sponsor.ts';
import { AUTHORITY_REVIEW } from './builtin/authority-review.ts';
import { AUTHORITY_SSHKEY } from './builtin/authority-sshkey.ts';
import { BATCHES } from './builtin/batches.ts';
import { EMERGENCY_COMMAND } from './builtin/emergency-command.ts';
import { AUTHORITY_THAW } from './builtin/authority-thaw.ts';
import { GENERIC_COMMAND } from './builtin/generic-command.ts';
import { GENERIC_TOOL_CALL } from './builtin/generic-tool-call.ts';
import { IAM_POLICY_CHANGE } from './builtin/iam-policy-change.ts';
import { KEY_ROTATE } from './builtin/key-rotate.ts';
import { PAYMENT_GRANT_TYPE } from './builtin/payment-grant.ts';
import { PAYMENT_TRANSFER } from './builtin/payment-transfer.ts';
import { RESPONSE_CONTAIN } from './builtin/response-contain.ts';
import { SECRET_ACCESS_TYPE } from './builtin/secret-access.ts';
import { loadDescriptor, type Descriptor } from './descriptor.ts';

/** The types that every ledger knows from its first entry on. */
export const BUILTIN_DESCRIPTORS: readonly Descriptor[] = [
  AUTHORITY_CANCEL,
  AUTHORITY_CHANGE,
  AUTHORITY_DEPUTY,
  AUTHORITY_FREEZE,
  AUTHORITY_HOME,
  AUTHORITY_ISSUER,
  AUTHORITY_IDENTITY,
  AUTHORITY_LOGKEY,
  AUTHORITY_RECOVERY,
  AUTHORITY_SPONSOR,
  AUTHORITY_REVIEW,
  AUTHORITY_SSHKEY,
  ...BATCHES,
  EMERGENCY_COMMAND,
  AUTHORITY_THAW,
  GENERIC_COMMAND,
  GENERIC_TOOL_CALL,
  IAM_POLICY_CHANGE,
  KEY_ROTATE,
  PAYMENT_GRANT_TYPE,
  PAYMENT_TRANSFER,
  RESPONSE_CONTAIN,
  SECRET_ACCESS_TYPE,
].map(loadDescriptor);
