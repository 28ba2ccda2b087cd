import { ASKING_CASES } from './asking-cases.ts';
import { ASSURANCE_CASES } from './assurance-cases.ts';
import { BATCH_CASES } from './batch-cases.ts';
import { BOUNDS_CASES } from './bounds-cases.ts';
import { BREAK_GLASS_CASES } from './break-glass-cases.ts';
import { CEDAR_CASES } from './cedar-cases.ts';
import { DELEGATION_CASES } from './delegation-cases.ts';
import { DEPUTY_CASES } from './deputy-cases.ts';
import { DWELL_CASES } from './dwell-cases.ts';
import { ESCALATION_CASES } from './escalation-cases.ts';
import { ATTESTED_CASES } from './attested-cases.ts';
import { DEVICE_CASES } from './device-cases.ts';
import { FREEZE_CASES } from './freeze-cases.ts';
import { RECOVERY_CASES } from './recovery-cases.ts';
import { HOME_CASES } from './home-cases.ts';
import { IDENTITY_CASES } from './identity-cases.ts';
import { RECENT_CASES } from './recent-cases.ts';
import { ACCOUNT_CASES, MEMBERSHIP_CASES } from './membership-cases.ts';
import { QUORUM_CASES } from './quorum-cases.ts';
import { ROTATION_CASES } from './rotation-cases.ts';
import { SSH_CASES } from './ssh-cases.ts';
import { VALID_CASES } from './valid-cases.ts';
import { WITNESS_CASES } from './witness-cases.ts';
import type { EvidenceCase } from './evidence-case.ts';

/** All evidence that is VALID, whatever it is about. */
export const ACCEPTED_CASES: readonly EvidenceCase[] = [
  ...VALID_CASES,
  ...ROTATION_CASES,
  ...SSH_CASES,
  ...FREEZE_CASES,
  ...RECOVERY_CASES,
  ...HOME_CASES,
  ...IDENTITY_CASES,
  ...WITNESS_CASES,
  ...BOUNDS_CASES,
  ...BATCH_CASES,
  ...ATTESTED_CASES,
  ...DEVICE_CASES,
  ...DEPUTY_CASES,
  ...ESCALATION_CASES,
  ...DWELL_CASES,
  ...ASSURANCE_CASES,
  ...ASKING_CASES,
  ...CEDAR_CASES,
  ...DELEGATION_CASES,
  ...RECENT_CASES,
  ...BREAK_GLASS_CASES,
  ...ACCOUNT_CASES,
  ...MEMBERSHIP_CASES,
  ...QUORUM_CASES,
];
