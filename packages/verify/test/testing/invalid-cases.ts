import type { EvidenceCase } from './evidence-case.ts';
import {
  CHAIN_CASES,
  DECISION_CASES,
  HISTORY_CASES,
  REGISTRATION_CASES,
  TERMS_CASES,
} from './forged-ledger-cases.ts';
import {
  AUTHORITY_FILE_CASES,
  CONTENT_CASES,
  FORMAT_CASES,
  LOG_CASES,
  TIME_CASES,
} from './invalid-file-cases.ts';
import { WRONG_ASKING_CASES } from './asking-cases.ts';
import { FALSE_ASSURANCE_CASES } from './assurance-cases.ts';
import { BROKEN_BATCH_CASES } from './batch-cases.ts';
import { BROKEN_BOUNDS_CASES } from './bounds-cases.ts';
import { FALSE_BREAK_GLASS_CASES } from './break-glass-cases.ts';
import { FALSE_DEPUTY_CASES } from './deputy-cases.ts';
import { FALSE_DWELL_CASES } from './dwell-cases.ts';
import { FALSE_ESCALATION_CASES } from './escalation-cases.ts';
import { UNATTESTED_CASES } from './attested-cases.ts';
import { SYNCED_DEVICE_CASES } from './device-cases.ts';
import { BROKEN_CEDAR_CASES } from './cedar-cases.ts';
import { FALSE_DELEGATION_CASES } from './delegation-cases.ts';
import { FALSE_ACCOUNT_CASES, FALSE_MEMBERSHIP_CASES } from './membership-cases.ts';
import { BROKEN_QUORUM_CASES } from './quorum-cases.ts';
import { FALSE_FREEZE_CASES } from './freeze-cases.ts';
import { FALSE_RECOVERY_CASES } from './recovery-cases.ts';
import { FALSE_HOME_CASES } from './home-cases.ts';
import { FALSE_IDENTITY_CASES } from './identity-cases.ts';
import { FALSE_KEY_CASES } from './key-cases.ts';
import { BROKEN_RECENT_CASES } from './recent-cases.ts';
import { FALSE_ROTATION_CASES } from './rotation-cases.ts';
import { FALSE_SSH_CASES } from './ssh-cases.ts';
import { FALSE_WITNESS_CASES } from './witness-cases.ts';

/** Evidence that must not be VALID, each for one reason. */
export const INVALID_CASES: readonly EvidenceCase[] = [
  ...FORMAT_CASES,
  ...LOG_CASES,
  ...CONTENT_CASES,
  ...TERMS_CASES,
  ...AUTHORITY_FILE_CASES,
  ...CHAIN_CASES,
  ...REGISTRATION_CASES,
  ...DECISION_CASES,
  ...HISTORY_CASES,
  ...TIME_CASES,
  ...FALSE_ROTATION_CASES,
  ...FALSE_SSH_CASES,
  ...FALSE_FREEZE_CASES,
  ...FALSE_RECOVERY_CASES,
  ...FALSE_HOME_CASES,
  ...FALSE_DELEGATION_CASES,
  ...FALSE_IDENTITY_CASES,
  ...FALSE_WITNESS_CASES,
  ...FALSE_KEY_CASES,
  ...BROKEN_BOUNDS_CASES,
  ...BROKEN_BATCH_CASES,
  ...SYNCED_DEVICE_CASES,
  ...UNATTESTED_CASES,
  ...FALSE_DEPUTY_CASES,
  ...FALSE_ESCALATION_CASES,
  ...FALSE_DWELL_CASES,
  ...FALSE_ASSURANCE_CASES,
  ...WRONG_ASKING_CASES,
  ...BROKEN_CEDAR_CASES,
  ...BROKEN_RECENT_CASES,
  ...FALSE_BREAK_GLASS_CASES,
  ...FALSE_ACCOUNT_CASES,
  ...FALSE_MEMBERSHIP_CASES,
  ...BROKEN_QUORUM_CASES,
];
