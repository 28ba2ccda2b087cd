// Writes the vectors of schemas/formats/sshsig-proof.md that are not there yet. The keys are fresh on each run and
// thrown away, so a vector that exists is never written again: delete a file to have it made anew.
//   node --conditions=@countersign/source --import tsx test/vectors/sshsig/generate.ts
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  mpint,
  SoftwareSshKey,
  sshString,
  uint32,
  type SoftwareSshKeyType,
  type SshsigOverrides,
} from '@countersign/software-passkey';

const NAMESPACE = 'countersign-decision-v1';
const MESSAGE = Buffer.from('{"v":"countersign.decision.v1"}');
const UP = 0x01;
const UV = 0x04;

type Proof = Record<string, unknown>;

interface Case {
  readonly proof: unknown;
  readonly expected: {
    readonly namespace: string;
    readonly message: string;
    readonly credential: { readonly credential_id: string; readonly public_key: string };
  };
}

type Overrides = SshsigOverrides & { namespace?: string; message?: Buffer };

function caseOf(
  type: SoftwareSshKeyType,
  overrides: Overrides = {},
  spoil: (proof: Proof, key: SoftwareSshKey) => unknown = (proof) => proof,
): Case {
  const key = new SoftwareSshKey(type);
  const proof = key.proof(overrides.namespace ?? NAMESPACE, overrides.message ?? MESSAGE, overrides);
  return { proof: spoil({ ...proof }, key), expected: expectedOf(key.credentialKey) };
}

function expectedOf(credential: Case['expected']['credential']): Case['expected'] {
  return { namespace: NAMESPACE, message: MESSAGE.toString('base64url'), credential };
}

/** Signed as it should be, with the signature's bytes changed afterwards. */
function respelled(type: SoftwareSshKeyType, spell: (signature: Buffer) => Buffer): Case {
  return caseOf(type, {}, (proof) => ({
    ...proof,
    signature: spell(Buffer.from(String(proof['signature']), 'base64url')).toString('base64url'),
  }));
}

/** A signature of a key whose blob no `.pub` file should hold. */
function withKey(blob: Buffer): Case {
  const key = new SoftwareSshKey('ssh-ed25519');
  const credential = {
    credential_id: createHash('sha256').update(blob).digest('base64url'),
    public_key: blob.toString('base64url'),
  };
  const proof = key.proof(NAMESPACE, MESSAGE, { publicKey: blob });
  return {
    proof: { ...proof, credential_id: credential.credential_id },
    expected: expectedOf(credential),
  };
}

/** With the last string of the envelope, which is the signature, made anew. */
function withSignature(type: SoftwareSshKeyType, make: (blob: Buffer) => Buffer): Case {
  return respelled(type, (envelope) => {
    let at = 10;
    for (let skipped = 0; skipped < 4; skipped += 1) at += 4 + envelope.readUInt32BE(at);
    return Buffer.concat([envelope.subarray(0, at), sshString(make(envelope.subarray(at + 4)))]);
  });
}

function parts(blob: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    const size = blob.readUInt32BE(at);
    found.push(blob.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return found;
}

const ED25519 = 'ssh-ed25519';
const ECDSA = 'ecdsa-sha2-nistp256';
const RSA = 'ssh-rsa';
const SK_ED25519 = 'sk-ssh-ed25519@openssh.com';
const SK_ECDSA = 'sk-ecdsa-sha2-nistp256@openssh.com';

const VALID: Readonly<Record<string, () => Case>> = {
  'ed25519-sha512': () => caseOf(ED25519),
  'ed25519-sha256': () => caseOf(ED25519, { hash: 'sha256' }),
  'ecdsa-p256': () => caseOf(ECDSA),
  'rsa-sha2-256': () => caseOf(RSA, { rsaHash: 'sha256' }),
  'rsa-sha2-512': () => caseOf(RSA),
  'sk-ed25519-uv': () => caseOf(SK_ED25519, { counter: 41 }),
  'sk-ed25519-up': () => caseOf(SK_ED25519, { flags: UP }),
  'sk-ecdsa-uv': () => caseOf(SK_ECDSA),
  'sk-ecdsa-up-with-other-flags': () => caseOf(SK_ECDSA, { flags: UP | 0xc0 }),
};

const INVALID: Readonly<Record<string, readonly [why: string, () => Case]>> = {
  'proof-is-text': ['proof', () => caseOf(ED25519, {}, () => 'sshsig')],
  'proof-of-another-kind': ['proof', () => caseOf(ED25519, {}, (p) => ({ ...p, kind: 'SSHSIG' }))],
  'proof-with-another-member': ['proof', () => caseOf(ED25519, {}, (p) => ({ ...p, uv: true }))],
  'proof-with-base64-padding': [
    'proof',
    () => caseOf(ED25519, {}, (p) => ({ ...p, signature: `${String(p['signature'])}==` })),
  ],
  'proof-with-credential-id-of-31-bytes': [
    'proof',
    () => caseOf(ED25519, {}, (p) => ({ ...p, credential_id: 'A'.repeat(42) })),
  ],
  'proof-above-3000-bytes': [
    'size',
    () => caseOf(ED25519, {}, (p) => ({ ...p, signature: 'A'.repeat(2_912) })),
  ],
  'credential-unknown': [
    'credential',
    () =>
      caseOf(ED25519, {}, (p) => ({
        ...p,
        credential_id: new SoftwareSshKey(ED25519).credentialKey.credential_id,
      })),
  ],
  'another-magic': [
    'sshsig',
    () => respelled(ED25519, (blob) => Buffer.concat([Buffer.from('SSHSIX'), blob.subarray(6)])),
  ],
  'version-2': ['sshsig', () => caseOf(ED25519, { version: 2 })],
  'reserved-filled': ['sshsig', () => caseOf(ED25519, { reserved: Buffer.of(0) })],
  'followed-by-more': ['sshsig', () => caseOf(ED25519, { after: Buffer.of(0) })],
  'cut-short': ['sshsig', () => respelled(ED25519, (blob) => blob.subarray(0, -1))],
  'namespace-of-sessions': ['namespace', () => caseOf(ED25519, { namespace: 'countersign-session-v1' })],
  'namespace-of-files': ['namespace', () => caseOf(SK_ED25519, { namespace: 'file' })],
  'hash-sha384': ['hash-algorithm', () => caseOf(ED25519, { hash: 'sha384' })],
  'key-of-somebody-else': [
    'key',
    () => caseOf(ED25519, { publicKey: new SoftwareSshKey(ED25519).publicKey }),
  ],
  'key-of-another-application': [
    'key',
    () =>
      caseOf(SK_ED25519, {}, (proof, key) => {
        const [type = '', point = '', application = ''] = parts(key.publicKey);
        const other = [type, point, Buffer.concat([Buffer.from(application), Buffer.from('x')])];
        const publicKey = Buffer.concat(other.map(sshString));
        return { ...proof, signature: key.sign(NAMESPACE, MESSAGE, { publicKey }).toString('base64url') };
      }),
  ],
  'key-ed25519-of-small-order': [
    'key',
    () => withKey(Buffer.concat([sshString(ED25519), sshString(Buffer.alloc(32))])),
  ],
  'key-off-the-curve': [
    'key',
    () =>
      withKey(
        Buffer.concat([
          sshString(ECDSA),
          sshString('nistp256'),
          sshString(Buffer.concat([Buffer.of(4), Buffer.alloc(63), Buffer.of(1)])),
        ]),
      ),
  ],
  'key-rsa-1024-bits': ['key', () => withKey(new SoftwareSshKey(RSA, { bits: 1_024 }).publicKey)],
  'key-for-a-web-page': [
    'key',
    () => withKey(new SoftwareSshKey(SK_ED25519, { application: 'localhost' }).publicKey),
  ],
  'key-followed-by-more': [
    'key',
    () => withKey(Buffer.concat([new SoftwareSshKey(ED25519).publicKey, Buffer.of(0)])),
  ],
  'key-p-384': [
    'algorithm',
    () => withKey(Buffer.concat([sshString('ecdsa-sha2-nistp384'), sshString('nistp384')])),
  ],
  'key-dsa': ['algorithm', () => withKey(sshString('ssh-dss'))],
  'algorithm-ssh-rsa': ['algorithm', () => caseOf(RSA, { rsaHash: 'sha1', algorithm: RSA })],
  'algorithm-without-the-token': ['algorithm', () => caseOf(SK_ED25519, { algorithm: ED25519 })],
  'algorithm-of-a-token': ['algorithm', () => caseOf(ED25519, { algorithm: SK_ED25519 })],
  'algorithm-webauthn': [
    'algorithm',
    () => caseOf(SK_ECDSA, { algorithm: 'webauthn-sk-ecdsa-sha2-nistp256@openssh.com' }),
  ],
  'not-touched': ['user-present', () => caseOf(SK_ED25519, { flags: 0 })],
  'verified-but-not-touched': ['user-present', () => caseOf(SK_ECDSA, { flags: UV })],
  'signature-without-flags': [
    'signature',
    () => withSignature(SK_ED25519, (blob) => blob.subarray(0, -5)),
  ],
  'signature-followed-by-more': [
    'signature',
    () => withSignature(SK_ED25519, (blob) => Buffer.concat([blob, uint32(0)])),
  ],
  'signature-ed25519-of-63-bytes': [
    'signature',
    () =>
      withSignature(ED25519, (blob) => {
        const [name = Buffer.alloc(0), signature = Buffer.alloc(0)] = parts(blob);
        return Buffer.concat([sshString(name), sshString(signature.subarray(1))]);
      }),
  ],
  'signature-ecdsa-with-leading-zero': [
    'signature',
    () =>
      withSignature(ECDSA, (blob) => {
        const [name = Buffer.alloc(0), numbers = Buffer.alloc(0)] = parts(blob);
        const [r = Buffer.alloc(0), s = Buffer.alloc(0)] = parts(numbers);
        const longer = sshString(Buffer.concat([Buffer.of(0), r]));
        return Buffer.concat([sshString(name), sshString(Buffer.concat([longer, sshString(s)]))]);
      }),
  ],
  'signature-ecdsa-of-zero': [
    'signature',
    () =>
      withSignature(ECDSA, (blob) => {
        const [name = Buffer.alloc(0)] = parts(blob);
        const zero = mpint(Buffer.alloc(1));
        return Buffer.concat([sshString(name), sshString(Buffer.concat([zero, zero]))]);
      }),
  ],
  'signature-with-sha1': [
    'signature',
    () => caseOf(RSA, { rsaHash: 'sha1', algorithm: 'rsa-sha2-512' }),
  ],
  'signature-for-another-application': [
    'signature',
    () => caseOf(SK_ED25519, { application: 'ssh:other' }),
  ],
  'signature-of-another-message': [
    'signature',
    () => caseOf(SK_ECDSA, { message: Buffer.from('{}') }),
  ],
  'flags-altered-after-signing': [
    'signature',
    () =>
      withSignature(SK_ED25519, (blob) => {
        const altered = Buffer.from(blob);
        altered.writeUInt8(UP | UV | 0x40, altered.length - 5);
        return altered;
      }),
  ],
  'counter-altered-after-signing': [
    'signature',
    () =>
      withSignature(SK_ECDSA, (blob) => {
        const altered = Buffer.from(blob);
        altered.writeUInt32BE(77, altered.length - 4);
        return altered;
      }),
  ],
};

function write(kind: 'valid' | 'invalid', name: string, make: () => object): void {
  const folder = join(import.meta.dirname, kind);
  const path = join(folder, `${name}.json`);
  mkdirSync(folder, { recursive: true });
  if (!existsSync(path)) writeFileSync(path, `${JSON.stringify(make(), null, 2)}\n`);
}

/** What the key was, and what its token had seen, worked out from the name of the vector. */
function factsOf(name: string): object {
  const counter = name === 'sk-ed25519-uv' ? 41 : 1;
  if (!name.startsWith('sk-')) return { proof_class: 'possession', counter: 0 };
  return { proof_class: name.includes('-uv') ? 'uv' : 'up', counter };
}

for (const [name, make] of Object.entries(VALID)) {
  write('valid', name, () => ({ ...make(), facts: factsOf(name) }));
}
for (const [name, [why, make]] of Object.entries(INVALID)) {
  write('invalid', name, () => ({ ...make(), why }));
}
