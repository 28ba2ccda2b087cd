export {
  counterFinding,
  prepareAssertion,
  verifyAssertion,
  type AssertionFacts,
  type CredentialKey,
  type ExpectedAssertion,
} from './assertion.ts';
export { parseCoseKey, type CredentialAlgorithm, type ParsedCoseKey } from './cose-key.ts';
export { HumanProofError, type AssertionWhy } from './human-proof-error.ts';
export { parseWebauthnProof, type WebauthnProof } from './webauthn-proof.ts';
