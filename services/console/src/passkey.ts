import { fromBase64url, toBase64url, type Json, type JsonObject } from '@countersign/canonical';
import { ownBytes } from '@countersign/crypto-web';
import type { Attestation, WebauthnProof } from '@countersign/human-proof';
import { integerIn, listIn, objectIn, objectOf, textIn } from './answer-json.ts';
import { newCredential, type NewCredential } from './authenticator-data.ts';
import { ConsoleError } from './console-error.ts';

const TIMEOUT_MS = 300_000;

export interface RegisteredPasskey extends NewCredential {
  /** RegistrationResponseJSON of WebAuthn §5.1. */
  readonly response: JsonObject;
  /** What the authenticator's maker says of it, if that was asked for: the members of an attestation but its root. */
  readonly attested?: Omit<Attestation, 'root'>;
}

/**
 * Has the person's authenticator make a passkey.
 *
 * @throws ConsoleError PASSKEY_CANCELLED, PASSKEY_UNAVAILABLE, PASSKEY_FORMAT, ANSWER_FORMAT
 */
export async function createPasskey(options: JsonObject): Promise<RegisteredPasskey> {
  const publicKey = creationOptions(options);
  const credential = await ceremony(() => navigator.credentials.create({ publicKey }));
  const { response } = credential;
  if (!(response instanceof AuthenticatorAttestationResponse)) throw unusable();
  const object = encoded(response.attestationObject);
  const clientData = encoded(response.clientDataJSON);
  const isAsked = publicKey.attestation === 'direct';
  return {
    ...(isAsked && { attested: { object, client_data: clientData } }),
    ...newCredential(new Uint8Array(response.getAuthenticatorData())),
    response: {
      id: credential.id,
      rawId: encoded(credential.rawId),
      type: 'public-key',
      authenticatorAttachment: credential.authenticatorAttachment,
      clientExtensionResults: {},
      response: {
        clientDataJSON: clientData,
        attestationObject: object,
        transports: response.getTransports(),
      },
    },
  };
}

/**
 * Has a passkey sign a challenge, with its person verified. Without a credential any passkey of this site will do.
 *
 * @throws ConsoleError PASSKEY_CANCELLED, PASSKEY_UNAVAILABLE
 */
export async function assertPasskey(wanted: {
  readonly challenge: Uint8Array;
  readonly rpId: string;
  readonly credential?: string;
}): Promise<WebauthnProof> {
  const { challenge, rpId, credential: id } = wanted;
  const publicKey: PublicKeyCredentialRequestOptions = {
    challenge: ownBytes(challenge),
    rpId,
    userVerification: 'required',
    timeout: TIMEOUT_MS,
    allowCredentials:
      id === undefined ? [] : [{ id: ownBytes(fromBase64url(id)), type: 'public-key' }],
  };
  const { id: usedId, response } = await ceremony(() => navigator.credentials.get({ publicKey }));
  if (!(response instanceof AuthenticatorAssertionResponse)) throw unusable();
  return {
    kind: 'webauthn',
    credential_id: usedId,
    authenticator_data: encoded(response.authenticatorData),
    client_data_json: encoded(response.clientDataJSON),
    signature: encoded(response.signature),
  };
}

function creationOptions(options: JsonObject): PublicKeyCredentialCreationOptions {
  const rp = objectIn(options, 'rp');
  const user = objectIn(options, 'user');
  return {
    challenge: bytesIn(options, 'challenge'),
    rp: { id: textIn(rp, 'id'), name: textIn(rp, 'name') },
    user: {
      id: bytesIn(user, 'id'),
      name: textIn(user, 'name'),
      displayName: textIn(user, 'displayName'),
    },
    pubKeyCredParams: listIn(options, 'pubKeyCredParams').map((json: Json) => ({
      alg: integerIn(objectOf(json), 'alg'),
      type: 'public-key' as const,
    })),
    excludeCredentials: listIn(options, 'excludeCredentials').map((json: Json) => ({
      id: bytesIn(objectOf(json), 'id'),
      type: 'public-key' as const,
    })),
    // Not the server's to loosen.
    authenticatorSelection: {
      residentKey: 'required',
      requireResidentKey: true,
      userVerification: 'required',
    },
    // Asked for only where somebody reads it: it tells which model a person has.
    attestation: textIn(options, 'attestation') === 'direct' ? 'direct' : 'none',
    timeout: TIMEOUT_MS,
  };
}

async function ceremony(begin: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  // Absent outside of secure contexts, whatever the types say.
  if (!('credentials' in navigator) || !('PublicKeyCredential' in window)) throw unusable();
  const credential = await answered(begin);
  if (!(credential instanceof PublicKeyCredential)) throw unusable();
  return credential;
}

async function answered(begin: () => Promise<Credential | null>): Promise<Credential | null> {
  try {
    return await begin();
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    const isPersons = error.name === 'NotAllowedError' || error.name === 'AbortError';
    throw new ConsoleError(
      isPersons ? 'PASSKEY_CANCELLED' : 'PASSKEY_UNAVAILABLE',
      error.name === 'InvalidStateError'
        ? 'this authenticator already holds a passkey of this person'
        : `the browser answered ${error.name}`,
      { cause: error },
    );
  }
}

function unusable(): ConsoleError {
  return new ConsoleError('PASSKEY_UNAVAILABLE', 'expected a browser that can use passkeys here');
}

function encoded(buffer: ArrayBuffer): string {
  return toBase64url(new Uint8Array(buffer));
}

function bytesIn(from: JsonObject, name: string): Uint8Array<ArrayBuffer> {
  return ownBytes(fromBase64url(textIn(from, name)));
}
