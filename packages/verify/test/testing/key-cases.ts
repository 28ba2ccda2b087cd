import { createHash, generateKeyPairSync } from 'node:crypto';
import { sshKeyChange, type AuthorityState, type Member } from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import { SoftwareSshKey } from '@countersign/software-passkey';
import type { CaseHead, EvidenceCase } from './evidence-case.ts';
import {
  INTERFACE,
  newPerson,
  readyLedger,
  type ForgeOptions,
  type LedgerForge,
  type Person,
} from './ledger-forge.ts';

const TOKEN = 'sk-ssh-ed25519@openssh.com';
/** The type of a key in a file, behind its length. */
const FILE = Buffer.from('\0\0\0\u000bssh-ed25519', 'latin1');

/** Evidence of a command that Bob approved, after something happened to keys that must not happen. */
function after(
  head: Omit<CaseHead, 'code'>,
  happen: (ledger: LedgerForge) => void,
  options: ForgeOptions = {},
): EvidenceCase {
  return {
    ...head,
    code: 'AUTHORITY_CHAIN_INVALID',
    make: async () => {
      const ledger = readyLedger(options);
      happen(ledger);
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      return { evidence: await ledger.evidence(bound), trust: ledger.trust() };
    },
  };
}

function revoke(ledger: LedgerForge, id: string): void {
  ledger.change({ kind: 'credential-revoked', credential_id: id }, { approvers: [ledger.bob] });
}

/** Somebody who is known, with an invitation for another key. */
function invitedAgain(ledger: LedgerForge, { id }: Person): Person {
  const person = { ...newPerson(), id };
  const { thumbprint, publicKey } = person.invitation;
  const invitation = {
    id: thumbprint,
    public_key: publicKey,
    not_after: '2026-12-31T00:00:00.000Z',
  };
  const change = { kind: 'person-invited', person: id, class: 'natural', invitation };
  ledger.change(change, { approvers: [ledger.bob] });
  return person;
}

/** A change that an authority would refuse, and the member that it adds. */
function forced(ledger: LedgerForge, change: object, member: Member): void {
  const made: AuthorityState = ledger.authority.with(member);
  ledger.change(change as JsonObject, { approvers: [ledger.bob] }, made);
}

function sshKey(person: string, blob: Uint8Array): { change: JsonObject; member: Member } {
  const public_key = Buffer.from(blob).toString('base64url');
  const { fingerprint, ...change } = sshKeyChange(person, blob, public_key);
  const id = Buffer.from(fingerprint.slice('SHA256:'.length), 'base64').toString('base64url');
  return {
    change: { ...change, fingerprint },
    member: { kind: 'credential', id, person, proof: 'sshsig', public_key },
  };
}

function agentOf(ledger: LedgerForge, publicKey: string, thumbprint: string): Member {
  return {
    kind: 'agent',
    id: 'agent:second',
    key_thumbprint: thumbprint as `sha256:${string}`,
    public_key: publicKey,
    owner: ledger.alice.id,
    operator: false,
  };
}

function enrolMachine(ledger: LedgerForge, member: Member): void {
  const { kind, ...rest } = member;
  const given = Object.fromEntries(
    Object.entries(rest).filter(([name]) => name !== 'key_thumbprint'),
  );
  forced(ledger, { kind: `${kind}-enrolled`, [kind]: given }, member);
}

const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const OKP = Buffer.from('a4010103272006215820', 'hex');

function thumbprintOf(spki: Buffer): string {
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`;
}

export const FALSE_KEY_CASES: readonly EvidenceCase[] = [
  after(
    {
      name: 'credential-id-again',
      about: 'The id of a revoked passkey came back, with another key.',
    },
    (ledger) => {
      const { credential_id } = ledger.carol.passkey.credentialKey;
      revoke(ledger, credential_id);
      const again = invitedAgain(ledger, ledger.carol);
      const { public_key } = again.passkey.credentialKey;
      ledger.enrol(again, again.invitation, { credential_id, public_key });
    },
  ),
  after(
    {
      name: 'credential-key-again',
      about: 'The key of a revoked passkey came back, under another id.',
    },
    (ledger) => {
      const { credential_id, public_key } = ledger.carol.passkey.credentialKey;
      revoke(ledger, credential_id);
      const again = invitedAgain(ledger, ledger.carol);
      const { credential_id: other } = again.passkey.credentialKey;
      ledger.enrol(again, again.invitation, { credential_id: other, public_key });
    },
  ),
  after({ name: 'ssh-key-again', about: 'A revoked SSH key came back.' }, (ledger) => {
    const { change, member } = sshKey(ledger.carol.id, new SoftwareSshKey(TOKEN).publicKey);
    ledger.change(change, { approvers: [ledger.bob] });
    revoke(ledger, member.id);
    forced(ledger, change, member);
  }),
  after(
    {
      name: 'ssh-key-again-as-another',
      about: 'The key of a revoked security key came back as that of a file.',
    },
    (ledger) => {
      const key = new SoftwareSshKey(TOKEN, { application: 'ssh:work' });
      const { change, member } = sshKey(ledger.carol.id, key.publicKey);
      ledger.change(change, { approvers: [ledger.bob] });
      revoke(ledger, member.id);
      // Type, then the point: each behind its length.
      const point = key.publicKey.subarray(4 + TOKEN.length, 4 + TOKEN.length + 36);
      const again = sshKey(ledger.bob.id, Buffer.concat([FILE, point]));
      forced(ledger, again.change, again.member);
    },
  ),
  after(
    { name: 'ssh-key-of-agent', about: 'A person came to sign by SSH with the key of an agent.' },
    (ledger) => {
      const point = Buffer.concat([Buffer.of(0, 0, 0, 32), ledger.agent.spki.subarray(-32)]);
      const { change, member } = sshKey(ledger.carol.id, Buffer.concat([FILE, point]));
      forced(ledger, change, member);
    },
  ),
  after(
    { name: 'passkey-of-agent', about: 'A person enrolled a passkey with the key of an agent.' },
    (ledger) => {
      const again = invitedAgain(ledger, ledger.carol);
      const public_key = Buffer.concat([OKP, ledger.agent.spki.subarray(-32)]).toString(
        'base64url',
      );
      const { credential_id } = again.passkey.credentialKey;
      ledger.enrol(again, again.invitation, { credential_id, public_key });
    },
  ),
  after(
    { name: 'agent-of-passkey', about: 'An agent came in with the key of a passkey.' },
    (ledger) => {
      const cose = Buffer.from(ledger.bob.passkey.credentialKey.public_key, 'base64url');
      const spki = Buffer.concat([SPKI, cose.subarray(-32)]);
      enrolMachine(ledger, agentOf(ledger, spki.toString('base64url'), thumbprintOf(spki)));
    },
    { passkey: 'EdDSA' },
  ),
  after(
    { name: 'agent-key-twice', about: 'A second agent came in with the key of the first.' },
    (ledger) => {
      enrolMachine(ledger, agentOf(ledger, ledger.agent.publicKey, ledger.agent.thumbprint));
    },
  ),
  after(
    { name: 'executor-of-agent', about: 'An executor came in with the key of an agent.' },
    (ledger) => {
      enrolMachine(ledger, executorOf(ledger));
    },
  ),
  after(
    { name: 'issuer-of-agent', about: 'An issuer came in with the key of an agent.' },
    (ledger) => {
      enrolIssuer(ledger, ledger.agent.publicKey);
    },
  ),
  after(
    { name: 'agent-of-issuer', about: 'An agent came in with the key of an issuer.' },
    (ledger) => {
      const spki = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
      const publicKey = spki.toString('base64url');
      enrolIssuer(ledger, publicKey);
      enrolMachine(ledger, agentOf(ledger, publicKey, thumbprintOf(spki)));
    },
  ),
  after(
    {
      name: 'founding-key-twice',
      about: 'The founding gives one key to an agent and an executor.',
    },
    () => undefined,
    { falseFounder: executorOf },
  ),
];

function enrolIssuer(ledger: LedgerForge, publicKey: string): void {
  const issuer = {
    id: 'https://login.acme.example',
    keys: [{ kid: 'one', alg: 'EdDSA', public_key: publicKey }],
    persons: [],
  } as const;
  forced(ledger, { kind: 'issuer-enrolled', issuer }, { kind: 'issuer', ...issuer });
}

function executorOf({ agent }: LedgerForge): Member {
  return {
    kind: 'executor',
    id: 'executor:second',
    key_thumbprint: agent.thumbprint,
    public_key: agent.publicKey,
    audiences: ['local'],
    interface_digest: INTERFACE,
  };
}
