import { KMSServiceException } from '@aws-sdk/client-kms';
import { SignerError, type SignerErrorCode } from '@countersign/tlog';

const CODE_OF_NAME: Readonly<Record<string, SignerErrorCode>> = {
  ThrottlingException: 'SIGNER_THROTTLED',
  Throttling: 'SIGNER_THROTTLED',
  LimitExceededException: 'SIGNER_THROTTLED',
  RequestLimitExceeded: 'SIGNER_THROTTLED',
  DependencyTimeoutException: 'SIGNER_UNAVAILABLE',
  KMSInternalException: 'SIGNER_UNAVAILABLE',
  KeyUnavailableException: 'SIGNER_UNAVAILABLE',
  // The client fetches new credentials for its next request.
  ExpiredTokenException: 'SIGNER_UNAVAILABLE',
  ExpiredToken: 'SIGNER_UNAVAILABLE',
  AccessDeniedException: 'SIGNER_DENIED',
  UnrecognizedClientException: 'SIGNER_DENIED',
  InvalidClientTokenId: 'SIGNER_DENIED',
  InvalidSignatureException: 'SIGNER_DENIED',
  IncompleteSignature: 'SIGNER_DENIED',
  MissingAuthenticationToken: 'SIGNER_DENIED',
  MissingAuthenticationTokenException: 'SIGNER_DENIED',
  NotAuthorized: 'SIGNER_DENIED',
  OptInRequired: 'SIGNER_DENIED',
  DisabledException: 'SIGNER_KEY_STATE',
  KMSInvalidStateException: 'SIGNER_KEY_STATE',
  NotFoundException: 'SIGNER_KEY_STATE',
  InvalidKeyUsageException: 'SIGNER_KEY_SPEC',
  UnsupportedOperationException: 'SIGNER_KEY_SPEC',
};

/** What a failed request to KMS means to whoever waits for a signature. Everything that is no answer of KMS may pass. */
export function signerErrorOf(error: unknown): SignerError {
  if (error instanceof SignerError) return error;
  if (!(error instanceof KMSServiceException)) {
    const isUnknown = error instanceof Error && error.name === 'CredentialsProviderError';
    const message = isUnknown
      ? 'expected credentials for AWS in the environment, a profile or a role, found none'
      : 'expected an answer of KMS, got none';
    return new SignerError('SIGNER_UNAVAILABLE', message, { cause: error });
  }
  return new SignerError(codeOf(error), `expected KMS to answer, got ${error.name}`, {
    cause: error,
  });
}

function codeOf(error: KMSServiceException): SignerErrorCode {
  const { httpStatusCode: status = 0 } = error.$metadata;
  // The client has set its clock by the answer, and signs its next request with the right time.
  if ('clockSkewCorrected' in error.$metadata) return 'SIGNER_UNAVAILABLE';
  const known = Object.hasOwn(CODE_OF_NAME, error.name) ? CODE_OF_NAME[error.name] : undefined;
  if (known !== undefined) return known;
  if (status === 429) return 'SIGNER_THROTTLED';
  if (status >= 500 || error.$fault === 'server') return 'SIGNER_UNAVAILABLE';
  return 'SIGNER_REFUSED';
}
