import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { cedarEngine } from '@countersign/policy-cedar';

/** What reads policies in Cedar for every ledger of the tests. */
export const POLICY_ENGINE = cedarEngine(BUILTIN_DESCRIPTORS);
