import { readFileSync } from 'node:fs';
import { canonicalBytes, utf8, type JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { createVerifier, parseTrust } from '../../src/index.ts';

interface Vector {
  readonly evidence: string;
  readonly trust: JsonObject;
}

/** What level `human` says of the evidence of a vector: its code, or VALID. */
export async function vectorOutcome(kind: 'valid' | 'invalid', name: string): Promise<string> {
  const file = new URL(`../../../../test/vectors/evidence/${kind}/${name}.json`, import.meta.url);
  const { evidence, trust } = JSON.parse(readFileSync(file, 'utf8')) as Vector;
  const verifier = createVerifier({ trust: parseTrust(canonicalBytes(trust)), verifySignature });
  const { outcome, code } = await verifier.verifyFile(utf8(evidence), { level: 'human' });
  return code ?? outcome;
}
