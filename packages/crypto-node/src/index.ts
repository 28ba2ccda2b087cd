export { CryptoError, type CryptoErrorCode } from './crypto-error.ts';
export {
  generateEd25519,
  keyThumbprint,
  parseEd25519,
  signEd25519,
  type Ed25519Key,
} from './ed25519-key.ts';
export { readKeyFile, writeKeyFile } from './key-file.ts';
export { nativeLatin1Reader } from './native-latin1-reader.ts';
export { nativeSha256 } from './native-sha256.ts';
export { newUlid } from './new-ulid.ts';
export { verifySignature, verifySignatureAside } from './verify-signature.ts';
