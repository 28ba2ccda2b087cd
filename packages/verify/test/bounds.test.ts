import { canonicalBytes, utf8 } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { describe, expect, it } from 'vitest';
import { createVerifier, parseTrust } from '../src/index.ts';
import { BROKEN_BOUNDS_CASES } from './testing/bounds-cases.ts';
import { fileText } from './testing/evidence-case.ts';

describe('evidence of a use beyond what was approved', () => {
  it.each(BROKEN_BOUNDS_CASES.map((each) => [each.about, each] as const))(
    'A13: %s',
    async (_, { code, make }) => {
      const { evidence, trust } = await make();
      const verifier = createVerifier({
        trust: parseTrust(canonicalBytes(trust)),
        verifySignature,
      });
      // The ledger's own word is enough to see it: no level is asked for beyond that.
      const outcome = await verifier.verifyFile(utf8(fileText(evidence)), { level: 'sealed' });
      expect(outcome).toMatchObject({ outcome: 'REFUSED', code });
    },
  );
});
