import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { AssertionOverrides } from '@countersign/software-passkey';
import {
  HumanProofError,
  counterFinding,
  prepareAssertion,
  verifyAssertion,
  type AssertionWhy,
  type ExpectedAssertion,
  type WebauthnProof,
} from '../src/index.ts';
import { ALGORITHMS, ORIGIN, RP_ID, expectedOf, makePasskey } from './ceremony.ts';
import { verifyWithNode } from './node-verifier.ts';

describe.each(ALGORITHMS)('an assertion of %s', (algorithm) => {
  const passkey = makePasskey(algorithm);

  async function refusal(
    overrides: AssertionOverrides,
    spoil: (proof: WebauthnProof, expected: ExpectedAssertion) => WebauthnProof = (proof) => proof,
  ): Promise<unknown> {
    const expected = expectedOf(passkey);
    const proof = spoil(passkey.assert(expected.challenge, overrides), expected);
    const error: unknown = await verifyAssertion(proof, expected, verifyWithNode).catch(
      (refused: unknown) => refused,
    );
    expect(error).toBeInstanceOf(HumanProofError);
    return error;
  }

  const refused = (why: AssertionWhy) => ({ code: 'ASSERTION_INVALID', why });

  test('is accepted with the facts that its authenticator signed', async () => {
    const expected = expectedOf(passkey);
    const proof = passkey.assert(expected.challenge, { flags: 0x1d, counter: 9 });
    expect(await verifyAssertion(proof, expected, verifyWithNode)).toEqual({
      proofClass: 'uv',
      counter: 9,
      backupEligible: true,
      backedUp: true,
      origin: ORIGIN,
      rpId: RP_ID,
    });
  });

  test('is of class up without user verification, where that is enough', async () => {
    const expected = expectedOf(passkey, { requireUserVerification: false });
    const proof = passkey.assert(expected.challenge, { flags: 0x01 });
    const facts = await verifyAssertion(proof, expected, verifyWithNode);
    expect(facts.proofClass).toBe('up');
  });

  test('D07 of another challenge', async () => {
    const challenge = randomBytes(32).toString('base64url');
    expect(await refusal({ challenge })).toMatchObject(refused('challenge'));
  });

  test('D07 for another rpId', async () => {
    expect(await refusal({ rpId: 'evil.example' })).toMatchObject(refused('rp-id'));
  });

  test('D07 from another origin', async () => {
    expect(await refusal({ origin: 'https://evil.example' })).toMatchObject(refused('origin'));
  });

  test('D07 webauthn.create instead of webauthn.get', async () => {
    expect(await refusal({ type: 'webauthn.create' })).toMatchObject(refused('type'));
  });

  test('D07 UV bit 0', async () => {
    expect(await refusal({ flags: 0x01 })).toMatchObject(refused('user-verified'));
  });

  test('D07 UP bit 0', async () => {
    expect(await refusal({ flags: 0x04 })).toMatchObject(refused('user-present'));
  });

  test('D07 unknown credential', async () => {
    const { credentialId } = makePasskey('EdDSA');
    expect(await refusal({ credentialId })).toMatchObject(refused('credential'));
  });

  test('D07 wrong key', async () => {
    expect(await refusal({ signer: makePasskey(algorithm) })).toMatchObject(refused('signature'));
  });

  test('D07 cross-origin iframe', async () => {
    expect(await refusal({ crossOrigin: true })).toMatchObject(refused('cross-origin'));
    const extraMembers = { topOrigin: 'https://evil.example' };
    expect(await refusal({ crossOrigin: true, extraMembers })).toMatchObject(
      refused('cross-origin'),
    );
  });

  test('D07 clientDataJSON altered after signing', async () => {
    const other = Buffer.from(randomBytes(32));
    const error = await refusal({ challenge: other.toString('base64url') }, (proof, expected) => {
      const signed = Buffer.from(proof.client_data_json, 'base64url').toString();
      const wanted = Buffer.from(expected.challenge).toString('base64url');
      const altered = Buffer.from(signed.replace(other.toString('base64url'), wanted));
      return { ...proof, client_data_json: altered.toString('base64url') };
    });
    expect(error).toMatchObject(refused('signature'));
  });
});

test('prepareAssertion leaves exactly the signature to be checked', () => {
  const passkey = makePasskey('ES256');
  const expected = expectedOf(passkey);
  const { check } = prepareAssertion(passkey.assert(expected.challenge), expected);
  expect(verifyWithNode(check)).toBe(true);
  expect(verifyWithNode({ ...check, message: randomBytes(69) })).toBe(false);
});

test('a check that cannot be made refuses nothing and accepts nothing', async () => {
  const passkey = makePasskey('ES256');
  const expected = expectedOf(passkey);
  const outage = new Error('no cryptography here');
  const failing = () => Promise.reject(outage);
  await expect(verifyAssertion(passkey.assert(expected.challenge), expected, failing)).rejects.toBe(
    outage,
  );
});

test('a challenge that is no 32-byte digest is a mistake of the caller', () => {
  const passkey = makePasskey('ES256');
  const expected = expectedOf(passkey, { challenge: randomBytes(31) });
  expect(() => prepareAssertion(passkey.assert(expected.challenge), expected)).toThrow(RangeError);
});

test.each([
  [0, 0, false],
  [0, 1, false],
  [4, 5, false],
  [4, 4, true],
  [5, 4, true],
  [5, 0, true],
])('counter %i followed by %i is a finding: %s', (previous, next, finding) => {
  expect(counterFinding(previous, next)).toBe(finding);
});
