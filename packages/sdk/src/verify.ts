/** Verification alone, for Node and for browsers: no `node:*`, no network, no keys of ours. */
export {
  createVerifier,
  parseEvidence,
  parseTrust,
  VerifyError,
  type Evidence,
  type Execution,
  type Facts,
  type Level,
  type Outcome,
  type Trust,
  type Verifier,
  type VerifyCode,
  type VerifyOptions,
} from '@countersign/verify';
export { verifySignature } from '@countersign/crypto-web';
