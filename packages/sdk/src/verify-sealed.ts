/** Whether a published binding is in the log, and nothing more, in little code: docs/sdk.md, "Verify alone". */
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
