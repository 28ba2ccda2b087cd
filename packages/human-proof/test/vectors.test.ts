import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fromBase64url, type Json } from '@countersign/canonical';
import { describe, expect, test } from 'vitest';
import {
  HumanProofError,
  parseWebauthnProof,
  verifyAssertion,
  type ExpectedAssertion,
  type WebauthnProof,
} from '../src/index.ts';
import { libraryAccepts } from './ceremony.ts';
import { verifyWithNode } from './node-verifier.ts';

interface Vector {
  proof: Json;
  expected: {
    challenge: string;
    origins: string[];
    rp_ids: string[];
    credential: { credential_id: string; public_key: string };
    require_user_verification: boolean;
  };
  facts?: Record<string, Json>;
  why?: string;
}

/** What we refuse on purpose though @simplewebauthn/server accepts it; human-proof.md §7 gives the reasons. */
const STRICTER = new Set([
  'attested-credential-without-key-map',
  'client-data-not-utf-8',
  'client-data-of-1025-bytes',
  'client-data-with-byte-order-mark',
  'client-data-with-duplicate-origin',
  'client-data-with-float',
  'client-data-with-lone-surrogate',
  'client-data-with-token-binding',
  'credential-unknown',
  'cross-origin-null',
  'cross-origin-true',
  'extensions-are-an-array',
  'extensions-too-deep',
  'extensions-with-float',
  'extensions-with-tag',
  'extensions-with-text-not-utf-8',
  'extensions-with-undefined',
  'key-ed25519-named-es256',
  'key-ed25519-of-small-order',
  'key-followed-by-more',
  'key-p-384',
  'key-rsa-1024-bits',
  'key-rsa-exponent-with-leading-zero',
  'key-rsa-modulus-with-leading-zero',
  'key-with-another-parameter',
  'proof-above-3000-bytes',
  'proof-of-another-kind',
  'proof-with-another-member',
  'proof-with-base64-padding',
  'proof-with-credential-id-of-1024-bytes',
  'proof-with-unused-bits-set',
  'signature-es256-followed-by-more',
  'signature-es256-with-long-length',
  'signature-es256-with-negative-r',
  'top-origin-empty',
]);

const folder = join(import.meta.dirname, '../../../test/vectors/human-proof');

function vectorsIn(kind: 'valid' | 'invalid'): [string, Vector][] {
  return readdirSync(join(folder, kind)).map((file) => {
    const vector = JSON.parse(readFileSync(join(folder, kind, file), 'utf8')) as Vector;
    return [file.replace(/\.json$/, ''), vector];
  });
}

function expectedOf({ expected }: Vector): ExpectedAssertion {
  return {
    challenge: fromBase64url(expected.challenge),
    origins: expected.origins,
    rpIds: expected.rp_ids,
    credential: expected.credential,
    requireUserVerification: expected.require_user_verification,
  };
}

function libraryAnswer(vector: Vector): Promise<boolean> {
  // Some vectors are no proof by design; the library reads what it knows of them and fails on the rest.
  return libraryAccepts(vector.proof as unknown as WebauthnProof, expectedOf(vector));
}

describe('valid vectors', () => {
  test.each(vectorsIn('valid'))('%s', async (_name, vector) => {
    const proof = parseWebauthnProof(vector.proof);
    const facts = await verifyAssertion(proof, expectedOf(vector), verifyWithNode);
    expect({
      proof_class: facts.proofClass,
      counter: facts.counter,
      backup_eligible: facts.backupEligible,
      backed_up: facts.backedUp,
      origin: facts.origin,
      rp_id: facts.rpId,
    }).toEqual(vector.facts);
    expect(await libraryAnswer(vector)).toBe(true);
  });
});

describe('invalid vectors', () => {
  test.each(vectorsIn('invalid'))('%s', async (name, vector) => {
    const refusal: unknown = await Promise.resolve()
      .then(() => parseWebauthnProof(vector.proof))
      .then((proof) => verifyAssertion(proof, expectedOf(vector), verifyWithNode))
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(HumanProofError);
    expect(refusal).toMatchObject({ code: 'ASSERTION_INVALID', why: vector.why });
    expect(await libraryAnswer(vector)).toBe(STRICTER.has(name));
  });
});
