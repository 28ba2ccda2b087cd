import type { JsonObject } from '@countersign/canonical';
import { DEFAULT_BOOTSTRAP, DEFAULT_POLICY, type Policy } from '@countersign/binding';
import { edited, type EvidenceCase, type EvidenceFile } from './evidence-case.ts';
import {
  ed25519Key,
  newPerson,
  p256Key,
  readyLedger,
  type Bound,
  type LedgerForge,
} from './ledger-forge.ts';

export const TWO_OF_US: Policy = {
  v: 'countersign.policy.v1',
  rules: DEFAULT_POLICY.rules.map((rule) => ({ ...rule, approvals: 2, max_uses: 2 })),
};

export const POLICY_CHANGE: JsonObject = {
  provider: 'aws',
  account: '111122223333',
  target: {
    kind: 'managed-policy',
    ref: 'arn:aws:iam::111122223333:policy/deploy-agent',
    current_version: 'v12',
    attached_principals: ['arn:aws:iam::111122223333:role/deploy-agent'],
  },
  before:
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::prod-artifacts/*"}]}',
  after: '{"Version":"2012-10-17","Statement":[]}',
  rollback_version: 'v12',
  change_ref: 'CHG-118',
};

export const PRECONDITIONS: readonly { readonly name: string; readonly digest: string }[] = [
  'attachments',
  'policy.before',
  'policy.version',
].map((name, index) => ({ name, digest: `sha256:${String(index + 1).repeat(64)}` }));

/** One person has approved one command. */
export async function plain(ledger: LedgerForge = readyLedger()): Promise<EvidenceFile> {
  return file(ledger, ledger.bind({}, { approvers: [ledger.bob] }));
}

export async function file(
  ledger: LedgerForge,
  bound: Bound,
  after?: Parameters<LedgerForge['evidence']>[1],
): Promise<EvidenceFile> {
  return { evidence: await ledger.evidence(bound, after), trust: ledger.trust() };
}

/** The change that invites somebody new. */
export function invite(person: ReturnType<typeof newPerson>): JsonObject {
  const { thumbprint, publicKey } = person.invitation;
  return {
    kind: 'person-invited',
    person: person.id,
    class: 'natural',
    invitation: { id: thumbprint, public_key: publicKey, not_after: '2026-12-31T00:00:00.000Z' },
  };
}

/** Bob invites Dora, who then enrols. */
export function withDora(ledger: LedgerForge): ReturnType<typeof newPerson> {
  const dora = newPerson();
  ledger.change(invite(dora), { approvers: [ledger.bob] });
  ledger.enrol(dora);
  return dora;
}

export const VALID_CASES: readonly EvidenceCase[] = [
  { name: 'one-approval', about: 'One person has approved one command.', make: () => plain() },
  {
    name: 'sealed',
    about: 'At level sealed nothing is asked of the authority, so its chain may be left out.',
    level: 'sealed',
    make: async () => {
      const { evidence, trust } = await plainObject();
      return { evidence: edited(evidence, ['authority', 'chain'], []), trust };
    },
  },
  {
    name: 'white-space',
    about: 'The file itself need not be canonical; only the texts inside it are.',
    make: async () => {
      const { evidence, trust } = await plainObject();
      return { evidence: `\n${JSON.stringify(evidence, null, 2)}\n`, trust };
    },
  },
  {
    name: 'quorum-of-two',
    about: 'The policy asks for two persons, and two have approved.',
    make: () => {
      const ledger = readyLedger({ policy: TWO_OF_US });
      return file(ledger, ledger.bind({}, { approvers: [ledger.bob, ledger.carol] }));
    },
  },
  {
    name: 'solo-owner',
    about: 'Under separation solo the owner of the agent may approve.',
    make: () => {
      const ledger = readyLedger({ separation: 'solo' });
      return file(ledger, ledger.bind({}, { approvers: [ledger.alice] }));
    },
  },
  {
    name: 'used-and-reported',
    about: 'The binding was used once, and the executor reported.',
    make: () => {
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      const use = ledger.use(bound);
      return file(ledger, bound, { uses: [use], reports: [ledger.report(bound, use)] });
    },
  },
  {
    name: 'revoked',
    about: 'The binding was revoked later; it still was bound.',
    make: () => {
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      return file(ledger, bound, { revocations: [ledger.revoke(bound, ledger.carol)] });
    },
  },
  {
    name: 'erased',
    about: 'The content was erased by an order in the log; the digests and proofs are left.',
    make: () => {
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      return file(ledger, bound, { erased: ledger.erase(bound) });
    },
  },
  {
    name: 'newcomer',
    about: 'The person was invited by a binding of the authority, enrolled, and then approved.',
    make: () => {
      const ledger = readyLedger();
      const dora = withDora(ledger);
      return file(ledger, ledger.bind({}, { approvers: [dora] }));
    },
  },
  {
    name: 'authority-grew-meanwhile',
    about: 'The request was admitted under one authority and bound under a later one.',
    make: () => {
      const ledger = readyLedger();
      const admitted = ledger.admit();
      withDora(ledger);
      return file(ledger, ledger.bindAdmitted(admitted, { approvers: [ledger.bob] }));
    },
  },
  {
    name: 'authority-changes',
    about: 'Agents, executors, policy and credentials have changed before the binding.',
    make: () => {
      const ledger = readyLedger();
      const by = { approvers: [ledger.bob] };
      const key = ed25519Key();
      const agent = {
        id: 'agent:two',
        public_key: key.publicKey,
        owner: ledger.carol.id,
        operator: false,
      };
      ledger.change({ kind: 'agent-enrolled', agent }, by);
      ledger.change({ kind: 'agent-revoked', id: 'agent:two' }, by);
      const executor = {
        id: 'executor:two',
        public_key: ed25519Key().publicKey,
        audiences: ['host:two'],
        interface_digest: `sha256:${'ab'.repeat(32)}`,
      };
      ledger.change({ kind: 'executor-enrolled', executor }, by);
      const { credential_id: id } = ledger.alice.passkey.credentialKey;
      ledger.change({ kind: 'credential-revoked', credential_id: id }, by);
      return file(ledger, ledger.bind({}, { approvers: [ledger.carol] }));
    },
  },
  {
    name: 'authority-action',
    about: 'Evidence of a change of the authority itself, which the ledger has carried out.',
    make: () => {
      const ledger = readyLedger();
      const change = invite(newPerson());
      const bound = ledger.bindChange(change, { approvers: [ledger.bob] });
      return file(ledger, bound);
    },
  },
  {
    name: 'acting-for',
    about: 'The agent acts for a person, who then may not approve; somebody else has.',
    make: () => {
      const ledger = readyLedger();
      const acting_for = [
        { sub: ledger.carol.id, kind: 'person' },
        { sub: 'svc:billing', kind: 'service' },
      ];
      return file(ledger, ledger.bind({ envelope: { acting_for } }, { approvers: [ledger.bob] }));
    },
  },
  {
    name: 'policy-change',
    about: 'A policy change with preconditions.',
    make: () => {
      const ledger = readyLedger();
      const request = {
        type: 'iam.policy.change',
        params: POLICY_CHANGE,
        preconditions: [...PRECONDITIONS],
      };
      return file(ledger, ledger.bind(request, { approvers: [ledger.bob] }));
    },
  },
  {
    name: 'eddsa-passkey',
    about: 'The credential is an Ed25519 key.',
    make: () => plain(readyLedger({ passkey: 'EdDSA' })),
  },
  {
    name: 'rs256-passkey',
    about: 'The credential is an RSA key.',
    make: () => plain(readyLedger({ passkey: 'RS256' })),
  },
  {
    name: 'p256-log-key',
    about: 'The log signs with ECDSA P-256.',
    make: () => plain(readyLedger({ logKey: p256Key() })),
  },
  {
    name: 'demo-accepted',
    about: 'A demonstration ledger, and a trust file that accepts one.',
    make: async () => {
      const ledger = readyLedger({ demo: true });
      const { evidence } = await plain(ledger);
      return { evidence, trust: edited(ledger.trust(), ['accept', 'demo'], true) };
    },
  },
  {
    name: 'demo-allowed',
    about: 'A demonstration ledger, allowed for this run.',
    allowDemo: true,
    make: () => plain(readyLedger({ demo: true })),
  },
  {
    name: 'pinned-head',
    about: 'The head of the receipts is the pinned one.',
    make: async () => {
      const ledger = readyLedger();
      const { evidence } = await plain(ledger);
      return { evidence, trust: ledger.trust({ pinned_head: ledger.pinned() }) };
    },
  },
  {
    name: 'two-log-keys',
    about: 'The trust file pins an older key too.',
    make: async () => {
      const ledger = readyLedger();
      const { evidence } = await plain(ledger);
      const older = ledger.noteSigner(ed25519Key()).vkey;
      return { evidence, trust: ledger.trust({ log_keys: [older, ledger.vkey] }) };
    },
  },
  {
    name: 'in-time',
    about: 'At this time the binding may still be used.',
    now: '2026-11-22T16:05:00.000Z',
    make: () => plain(),
  },
  {
    name: 'within-skew',
    about: 'Five seconds after use_by, which is as far as clocks may differ.',
    now: '2026-11-22T16:10:11.000Z',
    make: () => plain(),
  },
  {
    name: 'low-bootstrap',
    about: 'Bootstrap of two persons: a change of the authority has both.',
    make: () => {
      const ledger = readyLedger({ bootstrap: { ...DEFAULT_BOOTSTRAP, approvals: 2 } });
      const dora = newPerson();
      ledger.change(invite(dora), { approvers: [ledger.bob, ledger.carol] });
      ledger.enrol(dora);
      return file(ledger, ledger.bind({}, { approvers: [dora] }));
    },
  },
];

export async function plainObject(
  ledger?: LedgerForge,
): Promise<{ evidence: JsonObject; trust: JsonObject }> {
  const { evidence, trust } = await plain(ledger);
  if (typeof evidence === 'string') throw new Error('expected an object');
  return { evidence, trust };
}
