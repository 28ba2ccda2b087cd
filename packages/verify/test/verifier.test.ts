import { canonicalBytes, type JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { describe, expect, it } from 'vitest';
import { createVerifier, parseTrust, type Outcome, type VerifyOptions } from '../src/index.ts';
import { readyLedger } from './testing/ledger-forge.ts';

async function verify(
  evidence: JsonObject,
  trust: JsonObject,
  options?: Partial<VerifyOptions>,
): Promise<Outcome> {
  const verifier = createVerifier({ trust: parseTrust(canonicalBytes(trust)), verifySignature });
  return verifier.verifyFile(canonicalBytes(evidence), { level: 'human', ...options });
}

describe('a binding that its persons have signed', () => {
  it('is VALID at level human', async () => {
    const ledger = readyLedger();
    const bound = ledger.bind({}, { approvers: [ledger.bob] });
    const outcome = await verify(await ledger.evidence(bound), ledger.trust());
    expect(outcome.outcome).toBe('VALID');
  });
});
