import { createHash } from 'node:crypto';
import { enrolmentPayload, type EnrolmentStatement, signedMessage } from '@countersign/binding';
import { canonicalBytes, type Json, type JsonObject, toBase64url } from '@countersign/canonical';
import type { CrowdState } from './crowd-state.ts';
import { ORIGIN, type SimulatedPerson, TENANT } from './population.ts';
import { attestationOf } from './simulated-maker.ts';
import { coseOf, toyP256 } from './toy-signature.ts';

/** Of a guest of ours unless told of whom, or another key of somebody who is known. */
export function invitation(crowd: CrowdState, of?: string): JsonObject {
  const { random } = crowd.world;
  crowd.serial += 1;
  const name = `guest-${crowd.serial}`;
  const invitation = toyP256(`invitation ${name}`);
  const id = of ?? (random.chance(0.5) ? `prs_${crowd.ulid()}` : crowd.person().id);
  const credential = createHash('sha256').update(`credential ${name}`).digest('base64url');
  crowd.invited.push({ person: { id, credential, key: toyP256(name) }, invitation });
  return {
    kind: 'person-invited',
    person: id,
    class: 'natural',
    invitation: {
      id: invitation.thumbprint,
      public_key: invitation.publicKey,
      not_after: crowd.nowText(random.between(30_000, 3_600_000)),
    },
  };
}

export function enrol(crowd: CrowdState, by?: string): boolean {
  const { random, truth, population } = crowd.world;
  const named = crowd.invited.find(({ invitation }) => invitation.thumbprint === by);
  const invited = named ?? random.ofOrNone(crowd.invited);
  if (invited === undefined) return false;
  const { person, invitation } = invited;
  const statement: EnrolmentStatement = {
    v: 'countersign.enrolment.v1',
    ledger: ORIGIN,
    tenant: TENANT,
    person: person.id,
    invitation: invitation.thumbprint,
    credential_id: person.credential,
    public_key: coseOf(person.key),
    rp_id: 'localhost',
    backup_eligible: false,
    ...(population.hasMakers && attestation(crowd, person)),
    nonce: toBase64url(random.bytes(16)),
  };
  truth.enrolled.add(person.credential);
  crowd.persons.push(person);
  const message = signedMessage('enrolment', enrolmentPayload(statement));
  const signature = toBase64url(invitation.sign(message));
  const isShown = population.isCompany && random.chance(0.9);
  const identity = isShown && {
    identity: crowd.tokens.account(person, invitation.thumbprint, crowd.atCompany),
  };
  const bytes = canonicalBytes({ statement, signature, ...identity } as unknown as Json);
  return crowd.send({ kind: 'enrolment', actionId: '', bytes });
}

/** What the maker of their key says of it; or of somebody else's, or nothing. */
function attestation(
  crowd: CrowdState,
  person: SimulatedPerson,
): Pick<EnrolmentStatement, 'attestation'> {
  const { random, truth, population } = crowd.world;
  const shown = random.weighted({ own: 10, none: 1, other: 1 });
  if (shown === 'none') return {};
  if (shown === 'other') {
    return { attestation: attestationOf(random.of(population.persons), 'right').attestation };
  }
  const { credential } = person;
  const how = random.weighted({ right: 7, model: 2, root: 1 });
  const made = truth.attested.get(credential) ?? attestationOf(person, how);
  truth.attested.set(credential, made);
  return { attestation: made.attestation };
}
