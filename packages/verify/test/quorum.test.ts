import { canonicalBytes, utf8 } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { describe, expect, it } from 'vitest';
import { createVerifier, parseTrust } from '../src/index.ts';
import { fileText } from './testing/evidence-case.ts';
import { BROKEN_QUORUM_CASES } from './testing/quorum-cases.ts';

describe('evidence of a quorum that its rule does not allow', () => {
  it.each(BROKEN_QUORUM_CASES.filter(({ name }) => name.startsWith('quorum')))(
    'F06: is refused by who verifies what a ledger bound all the same: $name',
    async ({ code, make }) => {
      const { evidence, trust } = await make();
      const verifier = createVerifier({
        trust: parseTrust(canonicalBytes(trust)),
        verifySignature,
      });
      const outcome = await verifier.verifyFile(utf8(fileText(evidence)), { level: 'human' });
      expect(outcome).toMatchObject({ outcome: 'REFUSED', code });
    },
  );
});
