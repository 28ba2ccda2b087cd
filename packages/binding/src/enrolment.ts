import type { Digest } from '@countersign/canonical';
import type { Attestation } from '@countersign/human-proof';
import { bytesOf, parseStrictObject } from './json-bytes.ts';
import {
  base64url,
  coseKey,
  credentialId,
  derSignature,
  digest,
  nonce,
  origin,
  personId,
  tenant,
} from './field-shape.ts';
import { membership, type Membership } from './membership.ts';
import { boolean, object, optional, tag, text, type Shape } from './shape.ts';

/** A credential that a person registers with an invitation: schemas/formats/authority.md §5. */
export interface EnrolmentStatement {
  readonly v: 'countersign.enrolment.v1';
  readonly ledger: string;
  readonly tenant: string;
  readonly person: string;
  /** Thumbprint of the invitation's key. */
  readonly invitation: Digest;
  readonly credential_id: string;
  readonly public_key: string;
  readonly rp_id: string;
  readonly backup_eligible: boolean;
  readonly attestation?: Attestation;
  readonly nonce: string;
}

const attestation: Shape<Attestation> = object<Attestation>({
  object: base64url(1, 8_192),
  client_data: base64url(1, 1_024),
  root: base64url(1, 4_096),
});

export const enrolmentStatement: Shape<EnrolmentStatement> = object<EnrolmentStatement>({
  v: tag('countersign.enrolment.v1'),
  ledger: origin,
  tenant,
  person: personId,
  invitation: digest,
  credential_id: credentialId,
  public_key: coseKey,
  rp_id: text(253),
  backup_eligible: boolean,
  attestation: optional(attestation),
  nonce,
});

export interface Enrolment {
  readonly statement: EnrolmentStatement;
  /** ECDSA P-256 by the invitation's key, DER, base64url. */
  readonly signature: string;
  /** The sign-in with the company account that the person is tied to. */
  readonly identity?: Membership;
}

const enrolment: Shape<Enrolment> = object<Enrolment>({
  statement: enrolmentStatement,
  signature: derSignature,
  identity: optional(membership),
});

/** @throws BindingError TYPE_CONFUSION, UNKNOWN_MEMBER, SCHEMA_INVALID, and the codes of the gate */
export function parseEnrolment(bytes: Uint8Array): Enrolment {
  return enrolment(parseStrictObject(bytes), 'enrolment');
}

/** The bytes that the invitation's key signs, after the tag and a line feed (`signedMessage`). */
export function enrolmentPayload(statement: EnrolmentStatement): Uint8Array {
  return bytesOf(statement);
}
