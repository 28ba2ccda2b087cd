export { HttpAuthError, type HttpAuthErrorCode } from './http-auth-error.ts';
export {
  signRequest,
  verifyRequest,
  type RequestCheck,
  type RequestSigner,
  type RequestToCheck,
  type RequestToSign,
} from './signed-request.ts';
