import { canonicalBytes, utf8 } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { describe, expect, it } from 'vitest';
import { createVerifier, parseTrust, type Outcome } from '../src/index.ts';
import { ASSURANCE_CASES, FALSE_ASSURANCE_CASES } from './testing/assurance-cases.ts';
import { fileText, type EvidenceCase } from './testing/evidence-case.ts';
import { plain } from './testing/valid-cases.ts';

async function outcomeOf({ make }: Pick<EvidenceCase, 'make'>): Promise<Outcome> {
  const { evidence, trust } = await make();
  const verifier = createVerifier({ trust: parseTrust(canonicalBytes(trust)), verifySignature });
  return verifier.verifyFile(utf8(fileText(evidence)), { level: 'human' });
}

describe('what evidence says of a deployment', () => {
  it.each(ASSURANCE_CASES.map((each) => [each.about, each] as const))(
    'H01: %s',
    async (_, each) => {
      expect(await outcomeOf(each)).toMatchObject({
        outcome: 'VALID',
        facts: { assurance: 'evidence-only' },
      });
    },
  );

  it('H01: is nothing where the policy says nothing', async () => {
    const { facts } = await outcomeOf({ make: () => plain() });
    expect(facts).toBeDefined();
    expect(facts).not.toHaveProperty('assurance');
  });

  it.each(FALSE_ASSURANCE_CASES.map((each) => [each.about, each] as const))(
    'H01: is refused: %s',
    async (_, each) => {
      expect(await outcomeOf(each)).toMatchObject({ outcome: 'REFUSED', code: each.code });
    },
  );
});
