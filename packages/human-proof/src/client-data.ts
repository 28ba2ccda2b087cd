import { isJsonObject, parseStrict, toBase64url, type Json } from '@countersign/canonical';
import { HumanProofError, refusing } from './human-proof-error.ts';

const MAX_CLIENT_DATA_BYTES = 1_024;

/**
 * Checks what the browser says it signed, schemas/formats/human-proof.md §3, and answers its origin.
 *
 * Members that WebAuthn does not define are allowed: browsers add some on purpose, so that nobody compares against a
 * template. They are signed, and mean nothing here.
 *
 * @throws HumanProofError
 */
export function verifyClientData(
  bytes: Uint8Array,
  expected: { challenge: Uint8Array; origins: readonly string[] },
): string {
  const clientData = parseClientData(bytes);
  if (clientData.get('type') !== 'webauthn.get') {
    throw new HumanProofError('type', 'expected client data of type webauthn.get');
  }
  if (clientData.get('challenge') !== toBase64url(expected.challenge)) {
    throw new HumanProofError('challenge', 'expected the digest of the decision as challenge');
  }
  verifyNotFramed(clientData);
  const origin = clientData.get('origin');
  if (typeof origin !== 'string' || !expected.origins.includes(origin)) {
    throw new HumanProofError(
      'origin',
      `expected one of the origins ${expected.origins.join(', ')}`,
    );
  }
  return origin;
}

/** That a browser had this registered, §8: for whom and where, the authenticator signs beside it. @throws HumanProofError */
export function assertRegistration(bytes: Uint8Array): void {
  const clientData = parseClientData(bytes);
  if (clientData.get('type') !== 'webauthn.create') {
    throw new HumanProofError('type', 'expected client data of type webauthn.create');
  }
  verifyNotFramed(clientData);
}

function parseClientData(bytes: Uint8Array): ReadonlyMap<string, Json> {
  if (bytes.length > MAX_CLIENT_DATA_BYTES) {
    throw new HumanProofError(
      'client-data',
      `expected clientDataJSON of at most ${MAX_CLIENT_DATA_BYTES} bytes, got ${bytes.length}`,
    );
  }
  const json = refusing('client-data', () => parseStrict(bytes));
  if (!isJsonObject(json)) {
    throw new HumanProofError('client-data', 'expected clientDataJSON to be an object');
  }
  const members = new Map(Object.entries(json));
  // Token binding is gone from WebAuthn, and a status that nobody can check must not look checked.
  if (members.has('tokenBinding')) {
    throw new HumanProofError('client-data', 'expected no tokenBinding');
  }
  return members;
}

/** A page that shows our decision inside somebody else's page could cover what the human reads. */
function verifyNotFramed(clientData: ReadonlyMap<string, Json>): void {
  const crossOrigin = clientData.get('crossOrigin');
  if ((crossOrigin !== undefined && crossOrigin !== false) || clientData.has('topOrigin')) {
    throw new HumanProofError('cross-origin', 'expected an assertion made in a top-level page');
  }
}
