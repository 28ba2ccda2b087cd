/** RegistrationResponseJSON of WebAuthn §5.1, as much of it as a server reads. */
export interface PasskeyRegistration {
  id: string;
  rawId: string;
  type: 'public-key';
  authenticatorAttachment: 'platform';
  clientExtensionResults: Record<string, never>;
  response: {
    clientDataJSON: string;
    attestationObject: string;
    authenticatorData: string;
    publicKeyAlgorithm: number;
    publicKey: string;
    transports: 'internal'[];
  };
}
