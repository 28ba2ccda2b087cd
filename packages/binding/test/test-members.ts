import type { CredentialMember, Member } from '@countersign/binding';
import { makeUlid, type Digest } from '@countersign/canonical';
import { SoftwarePasskey, type SoftwareMaker } from '@countersign/software-passkey';
import { ed25519Key, type TestKey } from './test-keys.ts';

export const START_MS: number = Date.parse('2026-11-23T09:00:00.000Z');

/** A ULID of this time whose random part is this number. */
export function ulidAt(timeMs: number, serial: number): string {
  const random = new Uint8Array(10);
  new DataView(random.buffer).setUint32(6, serial);
  return makeUlid(timeMs, random);
}

export interface TestPerson {
  readonly id: string;
  readonly passkey: SoftwarePasskey;
  readonly members: readonly Member[];
}

let personSerial = 0;

export function credentialOf(person: string, passkey: SoftwarePasskey): CredentialMember {
  return {
    kind: 'credential',
    id: passkey.credentialId,
    person,
    public_key: passkey.credentialKey.public_key,
    rp_id: 'localhost',
    backup_eligible: false,
  };
}

export function newPasskey(maker?: SoftwareMaker): SoftwarePasskey {
  return SoftwarePasskey.create({
    algorithm: 'ES256',
    rpId: 'localhost',
    origin: 'http://localhost:7420',
    ...(maker !== undefined && { maker }),
  });
}

export function testPerson(personClass: 'natural' | 'role' | 'machine' = 'natural'): TestPerson {
  personSerial += 1;
  const id = `prs_${ulidAt(START_MS, personSerial)}`;
  const passkey = newPasskey();
  return {
    id,
    passkey,
    members: [{ kind: 'person', id, class: personClass }, credentialOf(id, passkey)],
  };
}

export interface TestAgent {
  readonly id: string;
  readonly key: TestKey;
  readonly member: Member;
}

export function testAgent(
  id: string,
  owner: string,
  more: { operator?: boolean; person?: string } = {},
): TestAgent {
  const key = ed25519Key(id);
  return {
    id,
    key,
    member: {
      kind: 'agent',
      id,
      key_thumbprint: key.thumbprint,
      public_key: key.publicKey,
      owner,
      operator: more.operator ?? false,
      ...(more.person === undefined ? {} : { person: more.person }),
    },
  };
}

export const INTERFACE: Digest = `sha256:${'ab'.repeat(32)}`;

export function testExecutor(id: string): { id: string; key: TestKey; member: Member } {
  const key = ed25519Key(id);
  return {
    id,
    key,
    member: {
      kind: 'executor',
      id,
      key_thumbprint: key.thumbprint,
      public_key: key.publicKey,
      audiences: ['host:build-1'],
      interface_digest: INTERFACE,
    },
  };
}
