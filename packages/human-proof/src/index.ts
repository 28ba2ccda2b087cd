export {
  counterFinding,
  prepareAssertion,
  verifyAssertion,
  type AssertionFacts,
  type CredentialKey,
  type ExpectedAssertion,
} from './assertion.ts';
export {
  attestedModel,
  verifyAttestation,
  type Attestation,
  type AttestedModel,
  type ExpectedAttestation,
} from './attestation.ts';
export { parseCertificate, type Certificate } from './certificate.ts';
export { parseCoseKey, type CredentialAlgorithm, type ParsedCoseKey } from './cose-key.ts';
export { HumanProofError, type AssertionWhy } from './human-proof-error.ts';
export { parseHumanProof, type HumanProof } from './human-proof.ts';
export type { ProofClass, ProofFacts } from './proof-facts.ts';
export { isEd25519Spki, isP256Spki } from './member-key.ts';
export { parseSshKey, SSH_KEY_TYPES, type ParsedSshKey, type SshKeyType } from './ssh-key.ts';
export {
  prepareSshsig,
  sshCredentialId,
  sshsigCounter,
  verifySshsig,
  type ExpectedSshsig,
} from './sshsig.ts';
export { parseSshsigProof, type SshsigProof } from './sshsig-proof.ts';
export { parseWebauthnProof, type WebauthnProof } from './webauthn-proof.ts';
