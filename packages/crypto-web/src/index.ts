export { derFromRaw, rawFromDer } from './der-signature.ts';
export { ownBytes, verifySignature } from './verify-signature.ts';
export { WebCryptoError } from './web-crypto-error.ts';
