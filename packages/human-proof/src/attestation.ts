import {
  concatBytes,
  equalBytes,
  fromBase64url,
  sha256,
  toHex,
  type SignatureCheck,
  type VerifySignature,
} from '@countersign/canonical';
import { readCbor, type CborValue } from '@countersign/cbor';
import { matchRpId, parseAuthenticatorData, type AuthenticatorData } from './authenticator-data.ts';
import { hasUnit, parseCertificate, type Certificate } from './certificate.ts';
import { assertRegistration } from './client-data.ts';
import { DER, contentOf, readDer } from './der.ts';
import { HumanProofError, refusing } from './human-proof-error.ts';

/** What the maker of an authenticator says of a credential: schemas/formats/human-proof.md §8. All of it base64url. */
export interface Attestation {
  /** The attestation object, as the browser hands it out. */
  readonly object: string;
  readonly client_data: string;
  /** The certificate that the chain ends with, DER. */
  readonly root: string;
}

/** What is registered, and when. */
export interface ExpectedAttestation {
  readonly credential_id: string;
  readonly public_key: string;
  readonly rp_id: string;
  readonly backup_eligible: boolean;
  readonly atMs: number;
}

/** Who vouches for which model. */
export interface AttestedModel {
  /** Of the AAGUID, as a UUID. */
  readonly model: string;
  /** SHA-256 of the certificate at the end of the chain. */
  readonly root: `sha256:${string}`;
}

const CHAIN_MAX = 4;
const ES256 = -7;
const RS256 = -257;
const UNIT = 'Authenticator Attestation';
/** 1.3.6.1.4.1.45724.1.1.4, id-fido-gen-ce-aaguid. */
const MODEL_EXTENSION = '2b0601040182e51c010104';

interface Packed {
  readonly algorithm: number;
  readonly signature: Uint8Array;
  /** The one that signs the attestation. */
  readonly leaf: Certificate;
  /** Each certificate but the last, with the one after it. */
  readonly links: readonly { readonly issued: Certificate; readonly issuer: Certificate }[];
  readonly authenticatorData: Uint8Array;
}

/**
 * Checks an attestation but for its signatures, and tells which model it names.
 *
 * @throws HumanProofError
 */
export function attestedModel(told: Attestation, expected: ExpectedAttestation): AttestedModel {
  const { leaf, links, authenticatorData } = packedIn(told);
  assertRegistration(bytesOf(told.client_data));
  const data = parseAuthenticatorData(authenticatorData);
  matchRpId(data, [expected.rp_id]);
  const { model } = credentialIn(data, expected);
  assertLeaf(leaf, model);
  assertIssuers(links);
  for (const { notBeforeMs, notAfterMs } of [leaf, ...links.map(({ issuer }) => issuer)]) {
    if (expected.atMs < notBeforeMs || expected.atMs > notAfterMs) {
      throw new HumanProofError('certificate', 'expected certificates that are valid at the time');
    }
  }
  return { model: uuidOf(model), root: `sha256:${toHex(sha256(bytesOf(told.root)))}` };
}

/**
 * Checks the signatures of an attestation, of which `attestedModel` has checked the rest.
 *
 * @throws HumanProofError with why `signature`
 */
export async function verifyAttestation(
  told: Attestation,
  verifySignature: VerifySignature,
): Promise<void> {
  const { algorithm, signature, leaf, links, authenticatorData } = packedIn(told);
  const checks: SignatureCheck[] = [
    {
      algorithm: algorithm === ES256 ? 'ecdsa-p256-sha256' : 'rsa-pkcs1-sha256',
      publicKey: leaf.publicKey,
      message: concatBytes(authenticatorData, sha256(bytesOf(told.client_data))),
      signature,
    },
    ...links.map(({ issued, issuer: { publicKey } }) => ({
      algorithm: issued.algorithm,
      publicKey,
      message: issued.signed,
      signature: issued.signature,
    })),
  ];
  for (const check of checks) {
    if (await verifySignature(check)) continue;
    throw new HumanProofError('signature', 'expected an attestation signed up to its root');
  }
}

/** With the root as the last of the chain, whether it was sent along or not. */
function packedIn(told: Attestation): Packed {
  const bytes = bytesOf(told.object);
  const { value, next } = refusing('attestation', () => readCbor(bytes, 0));
  if (next !== bytes.length) throw malformed('nothing after the object');
  const object = mapOf(value, ['fmt', 'attStmt', 'authData']);
  if (object.get('fmt') !== 'packed') throw malformed('format packed');
  const statement = mapOf(object.get('attStmt'), ['alg', 'sig', 'x5c']);
  const algorithm = statement.get('alg');
  const signature = statement.get('sig');
  const sent = statement.get('x5c');
  const authenticatorData = object.get('authData');
  const isWhole =
    (algorithm === ES256 || algorithm === RS256) &&
    signature instanceof Uint8Array &&
    authenticatorData instanceof Uint8Array &&
    Array.isArray(sent) &&
    sent.length <= CHAIN_MAX;
  if (!isWhole) throw malformed(`ES256 or RS256, and 1 to ${CHAIN_MAX} certificates`);
  const [leaf, ...issuers] = sent.map((der) =>
    parseCertificate(der instanceof Uint8Array ? der : NO_BYTES),
  );
  if (leaf === undefined) throw malformed('a certificate');
  const links = linksOf(leaf, issuers, parseCertificate(bytesOf(told.root)));
  return { algorithm, signature, authenticatorData, leaf, links };
}

function linksOf(
  leaf: Certificate,
  sent: readonly Certificate[],
  root: Certificate,
): Packed['links'] {
  const isSent = equalBytes((sent.at(-1) ?? leaf).der, root.der);
  const issuers = isSent ? sent : [...sent, root];
  return issuers.map((issuer, at) => ({ issued: issuers[at - 1] ?? leaf, issuer }));
}

const NO_BYTES = new Uint8Array();

function mapOf(value: CborValue | undefined, names: readonly string[]): Map<unknown, CborValue> {
  const isWhole =
    value instanceof Map && value.size === names.length && names.every((name) => value.has(name));
  if (!isWhole) throw malformed(`a map of ${names.join(', ')}`);
  return value;
}

function credentialIn(
  { attested, backupEligible }: AuthenticatorData,
  expected: ExpectedAttestation,
): { readonly model: Uint8Array } {
  const isSame =
    attested !== undefined &&
    equalBytes(attested.credentialId, bytesOf(expected.credential_id)) &&
    equalBytes(attested.publicKey, bytesOf(expected.public_key)) &&
    backupEligible === expected.backup_eligible;
  if (!isSame) throw new HumanProofError('credential', 'expected the credential that is enrolled');
  return attested;
}

/** WebAuthn §8.2.1. */
function assertLeaf(leaf: Certificate, model: Uint8Array): void {
  if (leaf.isAuthority || !hasUnit(leaf, UNIT)) {
    throw new HumanProofError('certificate', `expected a certificate for ${UNIT} that issues none`);
  }
  const named = leaf.extensions.get(MODEL_EXTENSION);
  if (named === undefined || equalBytes(contentOf(readDer(named), DER.octetString), model)) return;
  throw new HumanProofError('certificate', 'expected a certificate of the model that is named');
}

/** A certificate that is the root itself needs no issuer. */
function assertIssuers(links: Packed['links']): void {
  for (const [at, { issued, issuer }] of links.entries()) {
    // The one below it that signs the attestation is no issuer.
    const isAllowed = issuer.issues !== undefined && issuer.issues >= at;
    if (!isAllowed || !equalBytes(issued.issuer, issuer.subject)) {
      throw new HumanProofError('certificate', 'expected each issued by the one after it');
    }
  }
}

function uuidOf(model: Uint8Array): string {
  const hex = toHex(model);
  return [8, 12, 16, 20, 32].map((end, at, ends) => hex.slice(ends[at - 1] ?? 0, end)).join('-');
}

function bytesOf(encoded: string): Uint8Array {
  return refusing('attestation', () => fromBase64url(encoded));
}

function malformed(expected: string): HumanProofError {
  return new HumanProofError('attestation', `expected an attestation with ${expected}`);
}
