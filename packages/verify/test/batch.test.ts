import { canonicalBytes, utf8 } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { describe, expect, it } from 'vitest';
import { createVerifier, parseTrust } from '../src/index.ts';
import { BROKEN_BATCH_CASES } from './testing/batch-cases.ts';
import { fileText } from './testing/evidence-case.ts';

describe('evidence of a batch or a plan that is not what was approved', () => {
  it.each(BROKEN_BATCH_CASES.map((each) => [each.about, each] as const))(
    'A12, A16: %s',
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
