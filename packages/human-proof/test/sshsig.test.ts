import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fromBase64url, type Json } from '@countersign/canonical';
import { SoftwareSshKey } from '@countersign/software-passkey';
import { describe, expect, test } from 'vitest';
import {
  HumanProofError,
  parseHumanProof,
  parseSshsigProof,
  prepareSshsig,
  verifySshsig,
  type CredentialKey,
  type ProofFacts,
} from '../src/index.ts';
import { verifyWithNode } from './node-verifier.ts';

interface Vector {
  readonly proof: Json;
  readonly expected: {
    readonly namespace: string;
    readonly message: string;
    readonly credential: CredentialKey;
  };
  readonly facts?: Record<string, Json>;
  readonly why?: string;
}

const folder = join(import.meta.dirname, '../../../test/vectors/sshsig');

function vectorsIn(kind: 'valid' | 'invalid'): [string, Vector][] {
  return readdirSync(join(folder, kind)).map((file) => {
    const vector = JSON.parse(readFileSync(join(folder, kind, file), 'utf8')) as Vector;
    return [file.replace(/\.json$/, ''), vector];
  });
}

async function answerTo({ proof, expected }: Vector): Promise<ProofFacts> {
  const message = fromBase64url(expected.message);
  return verifySshsig(parseSshsigProof(proof), { ...expected, message }, verifyWithNode);
}

describe('valid vectors', () => {
  test.each(vectorsIn('valid'))('%s', async (_name, vector) => {
    const { proofClass, counter } = await answerTo(vector);
    expect({ proof_class: proofClass, counter }).toEqual(vector.facts);
    expect(parseHumanProof(vector.proof)).toEqual(vector.proof);
  });
});

// D07 for signatures of ssh-keygen: one vector for each thing that can be wrong.
describe('D07: invalid vectors', () => {
  test.each(vectorsIn('invalid'))('%s', async (_name, vector) => {
    const refusal: unknown = await answerTo(vector).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(HumanProofError);
    expect(refusal).toMatchObject({ code: 'ASSERTION_INVALID', why: vector.why });
  });
});

test('a check that cannot be made is no refusal', async () => {
  const key = new SoftwareSshKey('ssh-ed25519');
  const message = Buffer.from('{}');
  const failure = new Error('no cryptography here');
  await expect(
    verifySshsig(
      key.proof('n', message),
      { namespace: 'n', message, credential: key.credentialKey },
      () => Promise.reject(failure),
    ),
  ).rejects.toBe(failure);
});

test('a security key has its part of what is signed', () => {
  const key = new SoftwareSshKey('sk-ecdsa-sha2-nistp256@openssh.com');
  const message = Buffer.from('{}');
  const { check, facts } = prepareSshsig(key.proof('n', message, { counter: 9 }), {
    namespace: 'n',
    message,
    credential: key.credentialKey,
  });
  // SHA-256 of the application, flags, counter, SHA-256 of what SSHSIG signs.
  expect(check.message).toHaveLength(32 + 1 + 4 + 32);
  expect(facts).toEqual({ proofClass: 'uv', counter: 9 });
});
