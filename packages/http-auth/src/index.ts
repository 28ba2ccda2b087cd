export { HttpAuthError, type HttpAuthErrorCode } from './http-auth-error.ts';
export { TOKEN_KEY_ID } from './signature-profile.ts';
export {
  isTokenRequest,
  signRequest,
  verifyRequest,
  verifyTokenRequest,
  type RequestCheck,
  type RequestSigner,
  type RequestToCheck,
  type RequestToSign,
  type TokenCheck,
  type TokenSigner,
} from './signed-request.ts';
