import { bytesOf, parseStrictObject } from './json-bytes.ts';
import {
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
import type { Digest } from '@countersign/canonical';

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
  readonly nonce: string;
}

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
