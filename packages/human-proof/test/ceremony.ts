import { randomBytes } from 'node:crypto';
import { verifyAuthenticationResponse } from '@simplewebauthn/server';
import {
  SoftwarePasskey,
  type PasskeyAlgorithm,
  type SoftwarePasskeyOptions,
} from '@countersign/software-passkey';
import {
  HumanProofError,
  verifyAssertion,
  type AssertionWhy,
  type ExpectedAssertion,
  type WebauthnProof,
} from '../src/index.ts';
import { verifyWithNode } from './node-verifier.ts';

export const RP_ID = 'localhost';
export const ORIGIN = 'http://localhost:7420';
export const ALGORITHMS = ['ES256', 'EdDSA', 'RS256'] as const;

export function makePasskey(
  algorithm: PasskeyAlgorithm,
  more: Partial<SoftwarePasskeyOptions> = {},
): SoftwarePasskey {
  return SoftwarePasskey.create({ algorithm, rpId: RP_ID, origin: ORIGIN, ...more });
}

export function expectedOf(
  passkey: SoftwarePasskey,
  changes: Partial<ExpectedAssertion> = {},
): ExpectedAssertion {
  return {
    challenge: randomBytes(32),
    origins: [ORIGIN],
    rpIds: [RP_ID],
    credential: passkey.credentialKey,
    requireUserVerification: true,
    ...changes,
  };
}

/** `accepted`, or why it was refused. Anything but a refusal of ours fails the test. */
export async function ourAnswer(
  proof: WebauthnProof,
  expected: ExpectedAssertion,
): Promise<'accepted' | AssertionWhy> {
  try {
    await verifyAssertion(proof, expected, verifyWithNode);
    return 'accepted';
  } catch (error) {
    if (error instanceof HumanProofError) return error.why;
    throw error;
  }
}

/** What @simplewebauthn/server says of the same; it refuses by exceptions of many kinds. */
export async function libraryAccepts(
  proof: WebauthnProof,
  expected: ExpectedAssertion,
): Promise<boolean> {
  try {
    const { verified } = await verifyAuthenticationResponse({
      response: {
        id: proof.credential_id,
        rawId: proof.credential_id,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: proof.client_data_json,
          authenticatorData: proof.authenticator_data,
          signature: proof.signature,
        },
      },
      expectedChallenge: Buffer.from(expected.challenge).toString('base64url'),
      expectedOrigin: [...expected.origins],
      expectedRPID: [...expected.rpIds],
      credential: {
        id: expected.credential.credential_id,
        publicKey: Uint8Array.from(Buffer.from(expected.credential.public_key, 'base64url')),
        counter: 0,
      },
      requireUserVerification: expected.requireUserVerification,
    });
    return verified;
  } catch {
    return false;
  }
}
