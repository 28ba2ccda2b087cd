import { readFileSync } from 'node:fs';
import { canonicalBytes, utf8, type JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { describe, expect, it } from 'vitest';
import { createVerifier, parseTrust } from '../src/index.ts';
import { DEPUTY_CASES, FALSE_DEPUTY_CASES } from './testing/deputy-cases.ts';

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

describe('evidence of what a deputy has approved', () => {
  it.each(DEPUTY_CASES)('is VALID, by its vector: $name', async ({ name }) => {
    expect(await outcomeOf('valid', name)).toBe('VALID');
  });

  it.each(FALSE_DEPUTY_CASES)('D12: is not VALID, by its vector: $name', async ({ name, code }) => {
    expect(await outcomeOf('invalid', name)).toBe(code);
  });
});
