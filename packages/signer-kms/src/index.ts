export {
  kmsClient,
  openKmsSigner,
  type KmsClient,
  type KmsSigner,
  type KmsSignerOptions,
} from './kms-signer.ts';
