import { DEFAULT_POLICY, sshKeyChange, type Policy } from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import { SoftwareSshKey, type SoftwareSshKeyType } from '@countersign/software-passkey';
import { edited, type CaseHead, type EvidenceCase } from './evidence-case.ts';
import {
  readyLedger,
  type BindOptions,
  type LedgerForge,
  type SshSigning,
} from './ledger-forge.ts';
import { file } from './valid-cases.ts';

const POSSESSION: Policy = {
  v: 'countersign.policy.v2',
  rules: DEFAULT_POLICY.rules.map((rule) => ({ ...rule, proof_classes: ['uv', 'possession'] })),
};

interface SshCase {
  readonly type?: SoftwareSshKeyType;
  readonly policy?: Policy;
  readonly signing?: Omit<SshSigning, 'key'>;
  readonly bind?: (key: SoftwareSshKey, ledger: LedgerForge) => Partial<BindOptions>;
  /** Classes that the trust file takes. */
  readonly accepts?: readonly string[];
  /** Who asks for the key, in place of Bob. */
  readonly enrol?: (ledger: LedgerForge, change: JsonObject, key: SoftwareSshKey) => void;
}

/** Evidence of one command that Bob approved in a terminal. */
function signedBySsh(head: CaseHead, given: SshCase): EvidenceCase {
  return {
    ...head,
    make: async () => {
      const ledger = readyLedger(given.policy === undefined ? {} : { policy: given.policy });
      const key = new SoftwareSshKey(given.type ?? 'sk-ssh-ed25519@openssh.com');
      const { public_key } = key.credentialKey;
      const change = { ...sshKeyChange(ledger.bob.id, key.publicKey, public_key) };
      const json = change as unknown as JsonObject;
      if (given.enrol === undefined) ledger.change(json, { approvers: [ledger.carol] });
      else given.enrol(ledger, json, key);
      const bound = ledger.bind(
        {},
        {
          approvers: [ledger.bob],
          ssh: { key, ...given.signing },
          ...given.bind?.(key, ledger),
        },
      );
      const { evidence, trust } = await file(ledger, bound);
      const { accepts } = given;
      const place = ['accept', 'proof_classes'];
      return { evidence, trust: accepts === undefined ? trust : edited(trust, place, accepts) };
    },
  };
}

export const SSH_CASES: readonly EvidenceCase[] = [
  signedBySsh(
    { name: 'ssh-security-key', about: 'Approved in a terminal, with a security key and its PIN.' },
    {},
  ),
  signedBySsh(
    { name: 'ssh-security-key-p256', about: 'The same with a key on P-256.' },
    { type: 'sk-ecdsa-sha2-nistp256@openssh.com', signing: { hash: 'sha256' } },
  ),
  signedBySsh(
    { name: 'ssh-file-opted-in', about: 'A key in a file, where policy and trust file take it.' },
    { type: 'ssh-ed25519', policy: POSSESSION, accepts: ['uv', 'possession'] },
  ),
  signedBySsh(
    { name: 'ssh-rsa-opted-in', about: 'The same with RSA and SHA-512.' },
    { type: 'ssh-rsa', policy: POSSESSION, accepts: ['possession', 'uv'] },
  ),
  signedBySsh(
    { name: 'ssh-ecdsa-opted-in', about: 'The same with ECDSA.' },
    { type: 'ecdsa-sha2-nistp256', policy: POSSESSION, accepts: ['uv', 'up', 'possession'] },
  ),
];

export const FALSE_SSH_CASES: readonly EvidenceCase[] = [
  signedBySsh(
    {
      name: 'ssh-file-not-opted-in',
      code: 'PROOF_CLASS_NOT_ACCEPTED',
      about: 'The policy takes a key in a file; the trust file does not.',
    },
    { type: 'ssh-ed25519', policy: POSSESSION },
  ),
  signedBySsh(
    {
      name: 'ssh-file-not-in-policy',
      code: 'PROOF_CLASS',
      about: 'The trust file takes a key in a file; the policy does not.',
    },
    { type: 'ssh-ed25519', accepts: ['uv', 'possession'] },
  ),
  signedBySsh(
    {
      name: 'ssh-file-told-verified',
      code: 'PROOF_CLASS',
      about: 'The binding says uv of a key in a file.',
    },
    { type: 'ssh-ed25519', policy: POSSESSION, bind: () => ({ decision: { proof_class: 'uv' } }) },
  ),
  signedBySsh(
    { name: 'ssh-touch-alone', code: 'PROOF_CLASS', about: 'A security key without its PIN.' },
    { signing: { flags: 1 } },
  ),
  signedBySsh(
    {
      name: 'ssh-not-touched',
      code: 'ASSERTION_INVALID',
      about: 'A security key without a touch.',
    },
    { signing: { flags: 4 } },
  ),
  signedBySsh(
    {
      name: 'ssh-namespace-of-sessions',
      code: 'ASSERTION_INVALID',
      about: 'What was signed was to be a sign-in.',
    },
    { signing: { namespace: 'countersign-session-v1' } },
  ),
  signedBySsh(
    {
      name: 'ssh-reserved-filled',
      code: 'ASSERTION_INVALID',
      about: 'Something stands in the reserved field of the signature.',
    },
    { signing: { reserved: Buffer.of(0) } },
  ),
  signedBySsh(
    {
      name: 'ssh-other-application',
      code: 'ASSERTION_INVALID',
      about: 'The security key was told another application.',
    },
    { signing: { application: 'ssh:other' } },
  ),
  signedBySsh(
    {
      name: 'ssh-key-of-nobody',
      code: 'KEY_NOT_ENROLLED_AT_TIME',
      about: 'A key signed that the authority never held.',
    },
    { bind: () => ({ ssh: { key: new SoftwareSshKey('sk-ssh-ed25519@openssh.com') } }) },
  ),
  signedBySsh(
    {
      name: 'ssh-key-of-somebody-else',
      code: 'CREDENTIAL_UNKNOWN',
      about: 'The key of Bob signed in the name of Carol.',
    },
    { bind: (_, { carol }) => ({ approvers: [carol] }) },
  ),
  signedBySsh(
    {
      name: 'ssh-in-place-of-passkey',
      code: 'ASSERTION_INVALID',
      about: 'A signature by SSH stands where the passkey of the decision should have signed.',
    },
    {
      bind: (_, { bob }) => ({ decision: { credential: bob.passkey.credentialId } }),
    },
  ),
  signedBySsh(
    {
      name: 'ssh-enrolled-as-another',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'Another fingerprint was shown than the key has that came in.',
    },
    {
      enrol: (ledger, change) => {
        const shown = { ...change, fingerprint: `SHA256:${'A'.repeat(43)}` };
        ledger.change(shown, { approvers: [ledger.carol] }, change);
      },
    },
  ),
  signedBySsh(
    {
      name: 'ssh-enrolled-by-itself',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'A key in a file let another key in, which the bootstrap rule does not take.',
    },
    {
      enrol: (ledger, change) => {
        const key = new SoftwareSshKey('ssh-ed25519');
        const { public_key } = key.credentialKey;
        const first = sshKeyChange(ledger.carol.id, key.publicKey, public_key);
        ledger.change({ ...first }, { approvers: [ledger.bob] });
        ledger.change(change, { approvers: [ledger.carol], ssh: { key } });
      },
    },
  ),
];
