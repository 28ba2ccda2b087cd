import { createHash } from 'node:crypto';
import { LEDGER_EXECUTOR } from '@countersign/binding';
import type { Json, JsonObject } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { changeType } from '../../support/change-type.ts';
import { ISSUER, issuerWith, OTHER_ISSUER, subjectIn } from './company.ts';
import type { CrowdState } from './crowd-state.ts';
import { invitation } from './enrolment-choice.ts';
import type { OracleAction } from './oracle-action.ts';
import { ORIGIN, policyFor } from './population.ts';
import { envelopeBy, requestFrame } from './request-choice.ts';
import { toyEd25519, toyP256 } from './toy-signature.ts';

/** A freeze ends all that is open, and little would come to a use if there were many. */
const CHANGES = { revoke: 6, policy: 6, agent: 4, dismiss: 2, invite: 6, freeze: 2, sponsor: 3 };

/** What a rule may ask for beside what it asks for. */
const STRICTER = { rationale: 'required', device_bound: true } as const;

/** The company is asked nothing any more. */
export const UNPINNED = { kind: 'issuer-revoked', id: ISSUER };

export function change(crowd: CrowdState, change: JsonObject = someChange(crowd)): boolean {
  const agent = crowd.world.random.of(crowd.agents);
  const type = changeType(change);
  const envelope = envelopeBy(crowd, agent, {
    type,
    params: { change },
    max_uses: 1,
    executor: { id: LEDGER_EXECUTOR, audience: ORIGIN, descriptor_digest: digestOfType(type) },
  });
  return crowd.send(requestFrame(crowd, agent, envelope));
}

function someChange(crowd: CrowdState): JsonObject {
  const { random, rules } = crowd.world;
  const { isFrozen, epoch } = rules.freeze;
  if (isFrozen && random.chance(0.85)) return { kind: 'thawed', epoch };
  switch (random.weighted(CHANGES)) {
    case 'freeze':
      return { kind: 'frozen' };
    case 'revoke':
      return { kind: 'credential-revoked', credential_id: crowd.person().credential };
    case 'policy':
      return policySet(crowd);
    case 'dismiss':
      return { kind: 'agent-revoked', id: random.of(crowd.agents).id };
    case 'agent': {
      crowd.serial += 1;
      const id = `agent-${crowd.serial}`;
      const key = toyEd25519(id);
      const owner = crowd.person().id;
      const member = { id, public_key: key.publicKey, owner, operator: false };
      crowd.agents.push({
        id,
        key,
        member: { kind: 'agent', key_thumbprint: key.thumbprint, ...member },
      });
      return { kind: 'agent-enrolled', agent: member };
    }
    case 'sponsor': {
      const isNobody = random.chance(0.2);
      const agent = random.of(crowd.agents).id;
      return { kind: 'agent-sponsored', agent, ...(!isNobody && { sponsor: crowd.person().id }) };
    }
    case 'invite':
      return invitation(crowd);
  }
}

/** Often one that asks for more, so that what was bound before is used no more. */
export function policySet(crowd: CrowdState): JsonObject {
  const { random, population } = crowd.world;
  const policy = policyFor(random, population);
  const isMore = random.chance(0.5);
  const rules = policy.rules.map((rule) => ({ ...rule, ...(isMore && STRICTER) }));
  return { kind: 'policy-set', policy: { ...policy, rules } as unknown as Json };
}

export function keyLost(crowd: CrowdState, { binding }: OracleAction): JsonObject {
  const [approval] = binding?.entry.decisions ?? [];
  const credential = approval?.credential ?? crowd.person().credential;
  return { kind: 'credential-revoked', credential_id: credential };
}

/** What takes the ground away from approvals. */
export function loss(crowd: CrowdState, { binding }: OracleAction): JsonObject {
  const { random } = crowd.world;
  const [approver] = binding?.entry.decisions ?? [];
  const isOfAll = approver === undefined || random.chance(0.5);
  return isOfAll ? UNPINNED : tie(approver.person, OTHER_ISSUER);
}

/** Mostly with another key: what the one before has signed is of nobody then. */
export function pin(crowd: CrowdState): JsonObject {
  const { random, population } = crowd.world;
  if (random.chance(0.7)) crowd.companyKey = crowd.companyKey === 1 ? 2 : 1;
  const issuer = issuerWith(crowd.companyKey, population.persons) as unknown as Json;
  return { kind: 'issuer-enrolled', issuer };
}

/** Of somebody who is known, who tries the link long before it works, too. */
export function recovery(crowd: CrowdState): JsonObject {
  const name = `again-${crowd.serial}`;
  const invitation = toyP256(`invitation ${name}`);
  const { id } = crowd.person();
  const credential = createHash('sha256').update(`credential ${name}`).digest('base64url');
  crowd.invited.push({ person: { id, credential, key: toyP256(name) }, invitation });
  return {
    kind: 'recovery-started',
    person: id,
    invitation: { id: invitation.thumbprint, public_key: invitation.publicKey },
    delay_h: 1,
  };
}

function digestOfType(wanted: string): string {
  return BUILTIN_DESCRIPTORS.find(({ type }) => type === wanted)?.digest ?? '';
}

/** Who a person is at a company. */
export function tie(person: string, issuer: string): JsonObject {
  return { kind: 'person-tied', person, issuer, subject_digest: subjectIn(issuer, person) };
}
