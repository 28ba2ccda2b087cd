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

/** What was asked, for whoever has to mend it. */
export interface KmsQuestion {
  readonly keyId: string;
  readonly action: 'kms:GetPublicKey' | 'kms:Sign';
}

/** What was expected of a request that no waiting mends, and on the next line what mends it. */
const REFUSED: Readonly<
  Partial<Record<SignerErrorCode, (question: KmsQuestion) => readonly [string, string]>>
> = {
  SIGNER_DENIED: ({ action }) => [
    `leave for ${action}`,
    `the key's policy has to allow kms:GetPublicKey and kms:Sign to who asks (deploy/kms); check AWS_ACCESS_KEY_ID, the profile or the role`,
  ],
  SIGNER_KEY_STATE: ({ keyId }) => [
    'an enabled key',
    `check kms.key_id and kms.region in cluster.json, and that ${keyId} is enabled in this account`,
  ],
  SIGNER_KEY_SPEC: ({ keyId }) => [
    'a key that signs whole messages',
    `${keyId} has to be ECC_NIST_EDWARDS25519 or ECC_NIST_P256 for SIGN_VERIFY (deploy/kms)`,
  ],
};

/** What a failed request to KMS means to whoever waits for a signature. Everything that is no answer of KMS may pass. */
export function signerErrorOf(error: unknown, question: KmsQuestion): SignerError {
  if (error instanceof SignerError) return error;
  if (!(error instanceof KMSServiceException)) {
    const isUnknown = error instanceof Error && error.name === 'CredentialsProviderError';
    const message = isUnknown
      ? 'expected credentials for AWS in the environment, a profile or a role, found none'
      : 'expected an answer of KMS, got none';
    return new SignerError('SIGNER_UNAVAILABLE', message, { cause: error });
  }
  const code = codeOf(error);
  const [expected, mends] = REFUSED[code]?.(question) ?? ['an answer of KMS'];
  const message = `key ${question.keyId}: expected ${expected}, got ${error.name}`;
  const lines = mends === undefined ? message : `${message}\n${mends}`;
  return new SignerError(code, lines, { cause: error });
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
