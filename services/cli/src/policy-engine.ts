import type { PolicyEngine } from '@countersign/binding';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { cedarEngine } from '@countersign/policy-cedar';

/** What reads policies in Cedar, in whatever this process does with them. */
export const POLICY_ENGINE: PolicyEngine = cedarEngine(BUILTIN_DESCRIPTORS);
