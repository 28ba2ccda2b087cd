import {
  DEFAULT_BOOTSTRAP,
  DEFAULT_POLICY,
  sshKeyChange,
  type TypePolicy,
} from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import { SoftwareSshKey } from '@countersign/software-passkey';
import type { CaseHead, EvidenceCase } from './evidence-case.ts';
import { ruleOf } from './policy-rule.ts';
import { readyLedger, type ActionOptions, type ForgeOptions } from './ledger-forge.ts';
import { file, plain } from './valid-cases.ts';

const KEPT: TypePolicy = {
  v: 'countersign.policy.v1',
  rules: DEFAULT_POLICY.rules.map((rule) => ({ ...rule, device_bound: true })),
};

const KEPT_BOOTSTRAP = { ...DEFAULT_BOOTSTRAP, device_bound: true } as const;

const SET_AGAIN: JsonObject = {
  kind: 'policy-set',
  policy: DEFAULT_POLICY as unknown as JsonObject,
};

/** UP, UV, and what an authenticator says of a key that is on other devices, or could be. */
const SYNCED = 0x1d;
const ELIGIBLE = 0x0d;

interface DeviceCase {
  readonly ledger?: ForgeOptions;
  readonly flags?: number;
  readonly request?: ActionOptions;
}

/** Evidence of one command under a rule that wants a key that stays in its device. */
function kept(head: CaseHead, { ledger: options, flags, request }: DeviceCase): EvidenceCase {
  return {
    ...head,
    make: async () => {
      const ledger = readyLedger({ policy: KEPT, ...options });
      const bound = ledger.bind(request ?? {}, {
        approvers: [ledger.bob],
        ...(flags !== undefined && {
          proof: (challenge, { passkey }) => passkey.assert(challenge, { flags }),
        }),
      });
      return file(ledger, bound);
    },
  };
}

/** A policy that no reader of policies takes, in the log all the same. */
function written(more: JsonObject): TypePolicy {
  const rules = KEPT.rules.map((rule) => ({ ...rule, ...more }));
  return { ...KEPT, rules };
}

export const DEVICE_CASES: readonly EvidenceCase[] = [
  kept(
    {
      name: 'device-bound',
      about: 'The rule wants a passkey that stays in its device, and got one.',
    },
    {},
  ),
  {
    name: 'device-bound-ssh-token',
    about: 'The same with an SSH key of a type that lies in a token.',
    make: async () => {
      const ledger = readyLedger({ policy: KEPT });
      const key = new SoftwareSshKey('sk-ssh-ed25519@openssh.com');
      const { public_key } = key.credentialKey;
      const change = { ...sshKeyChange(ledger.bob.id, key.publicKey, public_key) };
      ledger.change(change, { approvers: [ledger.carol] });
      return file(ledger, ledger.bind({}, { approvers: [ledger.bob], ssh: { key } }));
    },
  },
  {
    name: 'device-bootstrap',
    about: 'Changes of the authority want a passkey that stays in its device, and one got it.',
    make: () => {
      const ledger = readyLedger({ bootstrap: KEPT_BOOTSTRAP });
      ledger.change(SET_AGAIN, { approvers: [ledger.carol] });
      return plain(ledger);
    },
  },
  kept(
    { name: 'device-any-synced', about: 'A synced passkey under a rule that does not mind.' },
    { ledger: { policy: DEFAULT_POLICY, isBackupEligible: true }, flags: SYNCED },
  ),
];

export const SYNCED_DEVICE_CASES: readonly EvidenceCase[] = [
  kept(
    {
      name: 'device-synced',
      code: 'AUTHENTICATOR_CLASS',
      about: 'The assertion says that its passkey is synced to other devices.',
    },
    { ledger: { isBackupEligible: true }, flags: SYNCED },
  ),
  kept(
    {
      name: 'device-eligible',
      code: 'AUTHENTICATOR_CLASS',
      about: 'The assertion says that its passkey may be synced, and is not yet.',
    },
    { flags: ELIGIBLE },
  ),
  kept(
    {
      name: 'device-enrolled-eligible',
      code: 'AUTHENTICATOR_CLASS',
      about: 'The passkey was enrolled as one that may be synced, and says something else now.',
    },
    { ledger: { isBackupEligible: true } },
  ),
  kept(
    {
      name: 'device-not-frozen',
      code: 'POLICY_MISMATCH',
      about: 'The admission leaves out that the rule wants a passkey that stays in its device.',
    },
    {
      ledger: { isBackupEligible: true },
      flags: SYNCED,
      request: {
        admission: {
          requirement: {
            rule: 'default',
            approvals: 1,
            approvers: 'any',
            proof_classes: ['uv'],
            rationale: 'required',
          },
        },
      },
    },
  ),
  kept(
    {
      name: 'device-false',
      code: 'POLICY_MISMATCH',
      about: 'A policy spells out that it does not mind.',
    },
    {
      ledger: { policy: written({ device_bound: false }) },
      request: { rule: { ...ruleOf(DEFAULT_POLICY) } },
    },
  ),
  kept(
    {
      name: 'device-or-file',
      code: 'POLICY_MISMATCH',
      about: 'A rule wants a key that stays in its device, and takes one in a file.',
    },
    {
      ledger: {
        policy: {
          ...written({ proof_classes: ['uv', 'possession'] }),
          v: 'countersign.policy.v2',
        },
      },
      request: { rule: { ...ruleOf(DEFAULT_POLICY) } },
    },
  ),
  {
    name: 'device-bootstrap-assured',
    about: 'The bootstrap rule has a member that only rules of a policy have.',
    code: 'AUTHORITY_CHAIN_INVALID',
    make: () => {
      const bootstrap = { ...DEFAULT_BOOTSTRAP, assurance: 'verified' };
      return plain(readyLedger({ bootstrap }));
    },
  },
  {
    name: 'device-bootstrap-synced',
    about: 'A change of the authority stands by a synced passkey, where its rule wants another.',
    code: 'AUTHORITY_CHAIN_INVALID',
    make: () => {
      const ledger = readyLedger({ bootstrap: KEPT_BOOTSTRAP });
      ledger.change(SET_AGAIN, {
        approvers: [ledger.carol],
        proof: (challenge, { passkey }) => passkey.assert(challenge, { flags: SYNCED }),
      });
      return plain(ledger);
    },
  },
];
