import { canonicalBytes, utf8 } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { cedarEngine } from '@countersign/policy-cedar';
import { describe, expect, it } from 'vitest';
import { createVerifier, parseTrust, type Outcome } from '../src/index.ts';
import { fileText, type EvidenceCase } from './testing/evidence-case.ts';
import { FALSE_RECENT_CASES, RECENT_CASES } from './testing/recent-cases.ts';

const policyEngine = cedarEngine(BUILTIN_DESCRIPTORS);

async function outcomeOf({ make }: EvidenceCase): Promise<Outcome> {
  const { evidence, trust } = await make();
  const parts = { trust: parseTrust(canonicalBytes(trust)), verifySignature, policyEngine };
  return createVerifier(parts).verifyFile(utf8(fileText(evidence)), { level: 'human' });
}

describe('evidence of a request that a policy has counted', () => {
  it.each(RECENT_CASES.map((each) => [each.about, each] as const))(
    'is VALID where the policy comes to the same with the frozen counts: %s',
    async (_, each) => {
      expect(await outcomeOf(each)).toMatchObject({ outcome: 'VALID' });
    },
  );

  it.each(FALSE_RECENT_CASES.map((each) => [each.about, each] as const))(
    'A14: is POLICY_MISMATCH for who evaluates Cedar: %s',
    async (_, each) => {
      expect(await outcomeOf(each)).toMatchObject({ outcome: 'REFUSED', code: 'POLICY_MISMATCH' });
    },
  );
});
