export { ownBytes, verifySignature } from './verify-signature.ts';
export { WebCryptoError } from './web-crypto-error.ts';
