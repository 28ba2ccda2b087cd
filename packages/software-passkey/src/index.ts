export type { PasskeyAlgorithm } from './passkey-key.ts';
export type { PasskeyRegistration } from './passkey-registration.ts';
export {
  SoftwarePasskey,
  type AssertionOverrides,
  type SoftwarePasskeyOptions,
} from './software-passkey.ts';
export {
  armoured,
  mpint,
  SoftwareSshKey,
  sshString,
  uint32,
  type SoftwareSshKeyType,
  type SshsigOverrides,
} from './software-ssh-key.ts';
export { certificateOf, der, respelling, type CertificateParts } from './software-certificate.ts';
export { SoftwareMaker, type SoftwareMakerOptions } from './software-maker.ts';
