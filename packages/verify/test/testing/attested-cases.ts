import { createHash } from 'node:crypto';
import {
  DEFAULT_POLICY,
  requirementOf,
  type ApprovalRule,
  type TypePolicy,
} from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import type { Attestation, AttestedModel } from '@countersign/human-proof';
import {
  der,
  respelling,
  SoftwareMaker,
  SoftwarePasskey,
  type SoftwareMakerOptions,
} from '@countersign/software-passkey';
import type { CaseHead, EvidenceCase } from './evidence-case.ts';
import {
  newPerson,
  readyLedger,
  RP,
  type ActionOptions,
  type ForgeOptions,
} from './ledger-forge.ts';
import { ruleOf } from './policy-rule.ts';
import { file, invite } from './valid-cases.ts';

const MODEL = 'cb69481e-8ff7-4039-93ec-0a2729a154a8';
const OTHER_MODEL = 'ee882879-721c-4913-9775-3dfcce97072a';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const extension = (id: string, value: string): Buffer =>
  der(0xa3, der(0x30, der(0x30, hex(id), der(0x04, hex(value)))));

/** What some verifiers would read, and others not: whoever holds an invitation could have put it into a log for good. */
const RESPELT: readonly (readonly [string, string, Partial<SoftwareMakerOptions>])[] = [
  [
    'path-length',
    'The root says in two bytes that two issuers may stand below it.',
    {
      rootParts: {
        respelt: (parts) => [...parts.slice(0, 7), extension('0603551d13', '30070101ff02020002')],
      },
    },
  ],
  [
    'hybrid-point',
    'The key of the certificate is written as a hybrid point.',
    {
      batch: respelling(6, (spki) => {
        const hybrid = Buffer.from(spki);
        hybrid[26] = 6 + ((spki.at(-1) ?? 0) & 1);
        return hybrid;
      }),
    },
  ],
  [
    'three-times',
    'The certificate is valid between three times.',
    { batch: respelling(4, (both) => der(0x30, both.subarray(2), both.subarray(2, 17))) },
  ],
  [
    'usage-of-none',
    'A certificate that issues none has a key usage that is no list of bits.',
    { batch: respelling(7, () => extension('0603551d0f', '0500')) },
  ],
];

interface AttestedCase {
  /** Of who vouches for the passkey. */
  readonly maker?: Partial<SoftwareMakerOptions>;
  /** What the rule says, given the root of the maker; nothing for one that does not mind. */
  readonly wanted?: (root: AttestedModel['root']) => JsonObject;
  /** What is shown at the enrolment: all of it, unless it is spoiled, or left out. */
  readonly shown?: (whole: Attestation) => Attestation | undefined;
  /** What the operator enrols it as, whatever was shown. */
  readonly isTaken?: true;
  readonly ledger?: ForgeOptions;
  readonly request?: ActionOptions;
}

const ANY = (root: AttestedModel['root']): JsonObject => ({ attested: [{ root }] });

/** Evidence of one command under a rule that wants a key of a known model, approved by somebody who was enrolled with one. */
function attested(head: CaseHead, how: AttestedCase): EvidenceCase {
  return {
    ...head,
    make: async () => {
      const { wanted = ANY, shown = unspoiled } = how;
      const maker = new SoftwareMaker({ model: bytesOf(MODEL), ...how.maker });
      const root: AttestedModel['root'] = `sha256:${createHash('sha256').update(maker.root).digest('hex')}`;
      const ledger = readyLedger({ policy: policyWith(wanted(root)), ...how.ledger });
      const passkey = SoftwarePasskey.create({
        algorithm: 'ES256',
        rpId: RP.id,
        origin: RP.origins[0] ?? '',
        maker,
      });
      const dora = { ...newPerson(), passkey };
      const attestation = shown(passkey.attestation(maker.root));
      ledger.change(invite(dora), { approvers: [ledger.bob] });
      const taken = how.isTaken && { taken: { model: MODEL, root } };
      ledger.enrol(dora, dora.invitation, attestation && { attestation, ...taken });
      return file(ledger, ledger.bind(how.request ?? {}, { approvers: [dora] }));
    },
  };
}

function unspoiled(whole: Attestation): Attestation {
  return whole;
}

function policyWith(more: JsonObject): TypePolicy {
  const rules = DEFAULT_POLICY.rules.map((rule) => ({ ...rule, ...more }));
  return { v: 'countersign.policy.v1', rules };
}

function bytesOf(model: string): Buffer {
  return Buffer.from(model.replaceAll('-', ''), 'hex');
}

const BARE: ApprovalRule = ruleOf(DEFAULT_POLICY);

export const ATTESTED_CASES: readonly EvidenceCase[] = [
  attested(
    { name: 'attested', about: 'The rule wants a key of one maker, and got one.' },
    { maker: { hasIntermediate: true } },
  ),
  attested(
    { name: 'attested-model', about: 'The rule wants one of two models, and got one, of RSA.' },
    {
      maker: { algorithm: 'RS256' },
      wanted: (root) => ({ attested: [{ root, models: [OTHER_MODEL, MODEL] }] }),
    },
  ),
  attested(
    { name: 'attested-any', about: 'A key of a known model under a rule that does not mind.' },
    { wanted: () => ({}) },
  ),
];

export const UNATTESTED_CASES: readonly EvidenceCase[] = [
  attested(
    {
      name: 'attested-none',
      code: 'AUTHENTICATOR_CLASS',
      about: 'Nobody vouches for the model of the key.',
    },
    { shown: () => undefined },
  ),
  attested(
    {
      name: 'attested-other-model',
      code: 'AUTHENTICATOR_CLASS',
      about: 'The key is of another model of the same maker.',
    },
    { wanted: (root) => ({ attested: [{ root, models: [OTHER_MODEL] }] }) },
  ),
  attested(
    {
      name: 'attested-other-root',
      code: 'AUTHENTICATOR_CLASS',
      about: 'Somebody else vouches for the model.',
    },
    { wanted: () => ({ attested: [{ root: `sha256:${'5c'.repeat(32)}`, models: [MODEL] }] }) },
  ),
  attested(
    {
      name: 'attested-forged',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'The operator has enrolled a key with an attestation by another key of the same name.',
    },
    {
      isTaken: true,
      shown: (whole) => ({ ...whole, root: otherRoot() }),
    },
  ),
  attested(
    {
      name: 'attested-over',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'A certificate of the attestation was over at the enrolment.',
    },
    { isTaken: true, maker: { batch: { notAfter: new Date('2021-01-01T00:00:00Z') } } },
  ),
  attested(
    {
      name: 'attested-certificate-of-other-model',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'The certificate is of another model than the authenticator says.',
    },
    { isTaken: true, maker: { batch: { model: bytesOf(OTHER_MODEL) } } },
  ),
  attested(
    {
      name: 'attested-issuer',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'The certificate that signs the attestation may issue others.',
    },
    { isTaken: true, maker: { batch: { issues: 'any' } } },
  ),
  attested(
    {
      name: 'attested-other-name',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'The certificate names another issuer than the one that signed it.',
    },
    { isTaken: true, maker: { batch: { issuerName: 'Rood' } } },
  ),
  ...RESPELT.map(([name, about, maker]) =>
    attested(
      { name: `attested-${name}`, code: 'AUTHORITY_CHAIN_INVALID', about },
      { isTaken: true, maker },
    ),
  ),
  attested(
    {
      name: 'attested-taken',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'The operator holds a key for one of a model that its enrolment does not show.',
    },
    {
      isTaken: true,
      maker: { model: bytesOf(OTHER_MODEL) },
    },
  ),
  attested(
    {
      name: 'attested-rules-1',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'A ledger of rules 1 has enrolled a key with an attestation.',
    },
    { ledger: { rulesVersion: 1 }, wanted: () => ({}) },
  ),
  attested(
    {
      name: 'attested-not-frozen',
      code: 'POLICY_MISMATCH',
      about: 'The admission leaves out that the rule wants a key of a known model.',
    },
    {
      request: {
        admission: {
          requirement: requirementOf(BARE),
        },
      },
    },
  ),
  attested(
    {
      name: 'attested-empty',
      code: 'POLICY_MISMATCH',
      about: 'A policy wants a key of a known model, and knows none.',
    },
    { wanted: () => ({ attested: [] }), request: { rule: BARE } },
  ),
];

function otherRoot(): string {
  return new SoftwareMaker({ model: bytesOf(MODEL) }).root.toString('base64url');
}
