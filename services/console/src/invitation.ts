import {
  enrolmentPayload,
  keyThumbprint,
  signedMessage,
  type EnrolmentStatement,
} from '@countersign/binding';
import { ownBytes } from '@countersign/crypto-web';
import {
  CanonicalError,
  concatBytes,
  derFromRaw,
  fromBase64url,
  toBase64url,
  type Digest,
} from '@countersign/canonical';
import { ConsoleError } from './console-error.ts';

/** What an enrolment link carries behind its `#`, which browsers send to nobody. */
export interface InvitationLink {
  /** PKCS8, base64url. */
  readonly key: string;
  readonly person: string;
  readonly tenant: string;
}

/** An invitation in use. Its private key cannot be read out of this page again. */
export interface Invitation {
  readonly id: Digest;
  readonly person: string;
  readonly tenant: string;
  readonly key: CryptoKey;
}

const P256 = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' };

/** Undefined when there is no invitation in the fragment. */
export function parseInvitationLink(fragment: string): InvitationLink | undefined {
  const members = new URLSearchParams(fragment.replace(/^#/, ''));
  const key = members.get('i');
  const person = members.get('p');
  const tenant = members.get('t');
  if (key === null || person === null || tenant === null) return undefined;
  return { key, person, tenant };
}

/** @throws ConsoleError INVITATION_FORMAT */
export async function openInvitation(link: InvitationLink): Promise<Invitation> {
  const { person, tenant } = link;
  const pkcs8 = decoded(link.key);
  try {
    const readable = await crypto.subtle.importKey('pkcs8', pkcs8, P256, true, ['sign']);
    const spki = spkiOf(await crypto.subtle.exportKey('jwk', readable));
    const key = await crypto.subtle.importKey('pkcs8', pkcs8, P256, false, ['sign']);
    return { id: keyThumbprint(spki), person, tenant, key };
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    throw unreadable(error);
  }
}

/** ECDSA over the statement in the form that the ledger takes: DER, base64url. */
export async function signEnrolment(
  invitation: Invitation,
  statement: EnrolmentStatement,
): Promise<string> {
  const message = signedMessage('enrolment', enrolmentPayload(statement));
  const raw = await crypto.subtle.sign(SIGNING, invitation.key, ownBytes(message));
  return toBase64url(derFromRaw(new Uint8Array(raw)));
}

/** SEQUENCE { SEQUENCE { OID ecPublicKey, OID prime256v1 }, BIT STRING 04 … }, up to the coordinates. */
const SPKI_PREFIX = Uint8Array.of(
  ...[0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01],
  ...[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04],
);

function spkiOf({ x, y }: JsonWebKey): Uint8Array {
  if (x === undefined || y === undefined) throw unreadable();
  return concatBytes(SPKI_PREFIX, fromBase64url(x), fromBase64url(y));
}

function decoded(text: string): Uint8Array<ArrayBuffer> {
  try {
    return ownBytes(fromBase64url(text));
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
    throw unreadable(error);
  }
}

function unreadable(cause?: Error): ConsoleError {
  return new ConsoleError('INVITATION_FORMAT', 'expected the key of an invitation in the link', {
    cause,
  });
}
