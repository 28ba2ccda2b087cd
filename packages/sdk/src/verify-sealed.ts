/** Whether a published binding is in the log, and nothing more, in little code: docs/sdk.md, "What verification needs". */
export {
  parseTrust,
  verifySealedBinding,
  VerifyError,
  type BindingFacts,
  type BindingRecord,
  type Outcome,
  type Trust,
  type VerifyCode,
} from '@countersign/verify';
export { verifySignature } from '@countersign/crypto-web';
