export { createLocalSignerKey, openLocalSigner, type LocalSignerOptions } from './local-signer.ts';
