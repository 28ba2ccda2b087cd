import { generateKeyPairSync } from 'node:crypto';
import {
  AuthorityState,
  keyThumbprint,
  subjectDigest,
  type IdentityMember,
} from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import type { EvidenceCase } from './evidence-case.ts';
import { readyLedger, type LedgerForge } from './ledger-forge.ts';

const ISSUER = 'https://login.example.com/acme';
const STRANGER = 'prs_01KAR5RWY0000000000000000Z';

function digestOfSubject(subject: string): IdentityMember['subject_digest'] {
  return subjectDigest({ issuer: ISSUER, subject, salt: 'c2FsdC1vZi10aGUtdGVzdHM' });
}

function tie(person: string, subject = '248289761001'): JsonObject & { person: string } {
  const subject_digest = digestOfSubject(subject);
  return { kind: 'person-tied', person, issuer: ISSUER, subject_digest };
}

function invited(): JsonObject {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const public_key = spki.toString('base64url');
  const not_after = '2027-01-01T00:00:00.000Z';
  return { class: 'natural', invitation: { id: keyThumbprint(spki), public_key, not_after } };
}

interface Course {
  readonly changes: (ledger: LedgerForge) => readonly JsonObject[];
  /** What the ledger makes of the last one, where it is not what persons have signed for. */
  readonly made?: (ledger: LedgerForge) => AuthorityState | JsonObject;
  readonly approver?: (ledger: LedgerForge) => LedgerForge['bob'];
}

function course(
  head: Pick<EvidenceCase, 'name' | 'about' | 'code'>,
  { changes, made, approver = ({ bob }) => bob }: Course,
): EvidenceCase {
  return {
    ...head,
    make: async () => {
      const ledger = readyLedger();
      for (const change of changes(ledger)) {
        ledger.change(change, { approvers: [approver(ledger)] }, made?.(ledger) ?? change);
      }
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      return { evidence: await ledger.evidence(bound), trust: ledger.trust() };
    },
  };
}

export const IDENTITY_CASES: readonly EvidenceCase[] = [
  course(
    {
      name: 'person-tied',
      about: 'A person was tied to a subject of the company, then to another.',
    },
    { changes: ({ carol }) => [tie(carol.id), tie(carol.id, '7')] },
  ),
  course(
    { name: 'person-tied-invited', about: 'A person was invited and tied in one change.' },
    { changes: () => [{ ...tie(STRANGER), invited: invited() }] },
  ),
];

export const FALSE_IDENTITY_CASES: readonly EvidenceCase[] = [
  course(
    {
      name: 'person-tied-unknown',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'Who was tied is nobody of this ledger.',
    },
    {
      changes: () => [tie(STRANGER)],
      made: ({ authority }) =>
        authority.with({
          kind: 'identity',
          id: STRANGER,
          issuer: ISSUER,
          subject_digest: digestOfSubject('248289761001'),
        }),
    },
  ),
  course(
    {
      name: 'person-tied-otherwise',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'The ledger has tied the person to another subject than was signed for.',
    },
    {
      changes: ({ carol }) => [tie(carol.id)],
      made: ({ carol }) => tie(carol.id, '7'),
    },
  ),
  course(
    {
      name: 'person-tied-by-owner',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'The tie was approved by the owner of the agent that asked for it.',
    },
    { changes: ({ carol }) => [tie(carol.id)], approver: ({ alice }) => alice },
  ),
];
