import { attestedModel } from '@countersign/human-proof';
import type { PasskeyMember } from './authority-member.ts';
import type { EnrolmentStatement } from './enrolment.ts';

/** The credential that is enrolled, of the model that its attestation names. @throws HumanProofError */
export function enrolledCredential(statement: EnrolmentStatement, atMs: number): PasskeyMember {
  const { attestation: told, credential_id: id, person, public_key, rp_id } = statement;
  const { backup_eligible } = statement;
  const attestation = told && attestedModel(told, { ...statement, atMs });
  return {
    ...({ kind: 'credential', id, person, public_key, rp_id, backup_eligible } as const),
    ...(attestation !== undefined && { attestation }),
  };
}
