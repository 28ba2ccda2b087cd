import type { EnrolmentStatement } from '@countersign/binding';
import { formatTimestamp, type JsonObject } from '@countersign/canonical';
import type { SoftwarePasskey } from '@countersign/software-passkey';
import { ORIGIN, TENANT } from './test-documents.ts';
import type { TestKey } from './test-keys.ts';
import { START_MS } from './test-members.ts';

/** The change that lets a person in for an hour from the start. */
export function invitationOf(key: TestKey, person: string): JsonObject {
  return {
    kind: 'person-invited',
    person,
    class: 'natural',
    invitation: {
      id: key.thumbprint,
      public_key: key.publicKey,
      not_after: formatTimestamp(START_MS + 3_600_000),
    },
  };
}

/** What the key of an invitation signs for a passkey. */
export function enrolmentOf(
  key: TestKey,
  { person, passkey }: { readonly person: string; readonly passkey: SoftwarePasskey },
): EnrolmentStatement {
  return {
    v: 'countersign.enrolment.v1',
    ledger: ORIGIN,
    tenant: TENANT,
    person,
    invitation: key.thumbprint,
    credential_id: passkey.credentialId,
    public_key: passkey.credentialKey.public_key,
    rp_id: 'localhost',
    backup_eligible: false,
    nonce: `${'C'.repeat(21)}A`,
  };
}
