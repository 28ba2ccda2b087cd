import type { EnrolmentStatement } from '@countersign/binding';
import { toBase64url, type Json } from '@countersign/canonical';
import { HumanProofError, attestedModel, type Attestation } from '@countersign/human-proof';
import { listIn, objectIn, objectOf, textIn } from './answer-json.ts';
import { postJson, submit, type Logged } from './api.ts';
import { identityFor } from './company.ts';
import { ConsoleError } from './console-error.ts';
import { signEnrolment, type Invitation } from './invitation.ts';
import { createPasskey, type RegisteredPasskey } from './passkey.ts';
import type { Visit } from './visit.ts';

const NONCE_BYTES = 16;

/**
 * Has the person make a passkey, signs it with the invitation, and has the ledger enrol it.
 *
 * @throws ServerProblem with the refusal, ConsoleError
 */
export async function enrol(visit: Visit, invitation: Invitation): Promise<Logged> {
  const { id, person, tenant } = invitation;
  if (tenant !== visit.ledger.tenant) {
    throw new ConsoleError('INVITATION_FORMAT', 'expected an invitation to this ledger');
  }
  const isAsked = visit.ledger.signInIssuer !== undefined;
  const identity = isAsked ? await identityFor(invitation) : undefined;
  const options = objectOf(await postJson('/v1/enrolments/options', { invitation: id, person }));
  const rpId = textIn(objectIn(options, 'rp'), 'id');
  const passkey = await createPasskey(options);
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const roots = listIn(options, 'attestationRoots').map(String);
  const statement = enrolmentStatement({
    ledger: visit.pin.trust.origin,
    invitation,
    passkey,
    rpId,
    roots,
    nonce,
  });
  const signature = await signEnrolment(invitation, statement);
  const { attestation, ...bare } = statement;
  const frame: Json = {
    statement: { ...bare, ...(attestation !== undefined && { attestation: { ...attestation } }) },
    signature,
    ...(identity !== undefined && { identity: { ...identity } }),
  };
  return submit(
    '/v1/enrolments',
    { body: { ...frame, response: passkey.response }, frame },
    visit.pin,
  );
}

/** What the invitation's key signs: schemas/formats/authority.md §5. */
export function enrolmentStatement(parts: {
  readonly ledger: string;
  readonly invitation: Pick<Invitation, 'id' | 'person' | 'tenant'>;
  readonly passkey: Pick<
    RegisteredPasskey,
    'attested' | 'credentialId' | 'publicKey' | 'isBackupEligible'
  >;
  readonly rpId: string;
  /** What the chain of an attestation may end with. */
  readonly roots?: readonly string[];
  readonly nonce: Uint8Array;
}): EnrolmentStatement {
  const { ledger, invitation, passkey, rpId, roots = [], nonce } = parts;
  const statement: EnrolmentStatement = {
    v: 'countersign.enrolment.v1',
    ledger,
    tenant: invitation.tenant,
    person: invitation.person,
    invitation: invitation.id,
    credential_id: toBase64url(passkey.credentialId),
    public_key: toBase64url(passkey.publicKey),
    rp_id: rpId,
    backup_eligible: passkey.isBackupEligible,
    nonce: toBase64url(nonce),
  };
  const attestation = passkey.attested && withRoot(statement, passkey.attested, roots);
  return attestation === undefined ? statement : { ...statement, attestation };
}

/** With the root that its chain ends with. One of another model is enrolled without: what a rule makes of that, the ledger says. */
function withRoot(
  statement: EnrolmentStatement,
  attested: Omit<Attestation, 'root'>,
  roots: readonly string[],
): Attestation | undefined {
  const told = roots.map((root) => ({ ...attested, root }));
  return told.find((each) => {
    try {
      attestedModel(each, { ...statement, atMs: Date.now() });
      return true;
    } catch (error) {
      if (error instanceof HumanProofError) return false;
      throw error;
    }
  });
}
