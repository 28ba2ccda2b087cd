import { canonicalBytes, utf8 } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { describe, expect, it } from 'vitest';
import { createVerifier, parseTrust } from '../src/index.ts';
import { UNATTESTED_CASES } from './testing/attested-cases.ts';
import { SYNCED_DEVICE_CASES } from './testing/device-cases.ts';
import { fileText } from './testing/evidence-case.ts';

describe('evidence under a rule that wants keys that stay in their device, or of a known model', () => {
  it.each([...SYNCED_DEVICE_CASES, ...UNATTESTED_CASES].map((each) => [each.about, each] as const))(
    'D08: %s',
    async (_, { code, make }) => {
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
