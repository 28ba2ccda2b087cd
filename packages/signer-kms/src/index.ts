export { kmsClient, openKmsSigner, type KmsClient, type KmsSignerOptions } from './kms-signer.ts';
