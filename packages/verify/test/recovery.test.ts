import { readFileSync } from 'node:fs';
import { canonicalBytes, utf8, type JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { describe, expect, it } from 'vitest';
import { createVerifier, parseTrust } from '../src/index.ts';
import { FALSE_RECOVERY_CASES, RECOVERY_CASES } from './testing/recovery-cases.ts';

interface Vector {
  readonly evidence: string;
  readonly trust: JsonObject;
}

async function outcomeOf(kind: 'valid' | 'invalid', name: string): Promise<unknown> {
  const file = new URL(`../../../test/vectors/evidence/${kind}/${name}.json`, import.meta.url);
  const { evidence, trust } = JSON.parse(readFileSync(file, 'utf8')) as Vector;
  const verifier = createVerifier({ trust: parseTrust(canonicalBytes(trust)), verifySignature });
  const { outcome, code } = await verifier.verifyFile(utf8(evidence), { level: 'human' });
  return code ?? outcome;
}

describe('evidence of a ledger that has recovered somebody', () => {
  it.each(RECOVERY_CASES)('is VALID, by its vector: $name', async ({ name }) => {
    expect(await outcomeOf('valid', name)).toBe('VALID');
  });

  it.each(FALSE_RECOVERY_CASES)(
    'D13: is not VALID, by its vector: $name',
    async ({ name, code }) => {
      expect(await outcomeOf('invalid', name)).toBe(code);
    },
  );
});
