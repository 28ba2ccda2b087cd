import { canonicalBytes, utf8 } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { cedarEngine } from '@countersign/policy-cedar';
import { describe, expect, it } from 'vitest';
import { checkDelegationTokens, createVerifier, parseTrust } from '../src/index.ts';
import { ACCEPTED_CASES } from './testing/accepted-cases.ts';
import { CEDAR_CASES, FALSE_CEDAR_CASES } from './testing/cedar-cases.ts';
import { fileText, type EvidenceCase } from './testing/evidence-case.ts';
import { INVALID_CASES } from './testing/invalid-cases.ts';

const policyEngine = cedarEngine(BUILTIN_DESCRIPTORS);

async function outcomeOf(each: EvidenceCase, cedar?: 'cedar'): Promise<unknown> {
  const { evidence, trust } = await each.make();
  const verifier = createVerifier({
    trust: parseTrust(canonicalBytes(trust)),
    verifySignature,
    delegationCheck: checkDelegationTokens,
    ...(cedar !== undefined && { policyEngine }),
  });
  const { outcome, code, steps } = await verifier.verifyFile(utf8(fileText(evidence)), {
    level: each.level ?? 'human',
    ...(each.now !== undefined && { nowMs: Date.parse(each.now) }),
    ...(each.allowDemo !== undefined && { allowDemo: each.allowDemo }),
  });
  return { outcome, code, last: steps.at(-1)?.detail };
}

const INDETERMINATE = ['AUTHORITY_MISSING', 'CLOCK_UNKNOWN', 'CONTENT_MISSING'];

describe('evidence', () => {
  it.each(ACCEPTED_CASES)('is VALID: $name', async (each) => {
    expect(await outcomeOf(each)).toMatchObject({ outcome: 'VALID', code: undefined });
  });

  it.each(INVALID_CASES)('is not VALID: $name ($code)', async (each) => {
    const { code = '' } = each;
    const outcome = INDETERMINATE.includes(code) ? 'INDETERMINATE' : 'REFUSED';
    expect(await outcomeOf(each)).toMatchObject({ outcome, code });
  });

  it.each(CEDAR_CASES)('is VALID where Cedar is evaluated again: $name', async (each) => {
    expect(await outcomeOf(each, 'cedar')).toMatchObject({ outcome: 'VALID' });
  });

  it.each(FALSE_CEDAR_CASES)(
    'F02: is POLICY_MISMATCH for who evaluates Cedar: $name',
    async (each) => {
      expect(await outcomeOf(each, 'cedar')).toMatchObject({ code: 'POLICY_MISMATCH' });
      expect(await outcomeOf(each)).toMatchObject({ outcome: 'VALID' });
    },
  );
});
