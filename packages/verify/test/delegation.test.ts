import { canonicalBytes, utf8 } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { describe, expect, it } from 'vitest';
import { checkDelegationTokens, createVerifier, parseTrust } from '../src/index.ts';
import { DELEGATION_CASES, FALSE_DELEGATION_CASES } from './testing/delegation-cases.ts';
import { fileText, type EvidenceCase } from './testing/evidence-case.ts';

async function outcomeOf({ make }: EvidenceCase): Promise<unknown> {
  const { evidence, trust } = await make();
  const verifier = createVerifier({
    trust: parseTrust(canonicalBytes(trust)),
    verifySignature,
    delegationCheck: checkDelegationTokens,
  });
  const { outcome, code } = await verifier.verifyFile(utf8(fileText(evidence)), { level: 'human' });
  return { outcome, code };
}

describe('evidence of an action with a chain of delegation', () => {
  it.each(DELEGATION_CASES.map((each) => [each.about, each] as const))(
    'is VALID: %s',
    async (_, each) => {
      expect(await outcomeOf(each)).toEqual({ outcome: 'VALID', code: undefined });
    },
  );

  it.each(FALSE_DELEGATION_CASES.map((each) => [each.about, each] as const))(
    'F07: %s',
    async (_, each) => {
      expect(await outcomeOf(each)).toEqual({ outcome: 'REFUSED', code: each.code });
    },
  );
});
